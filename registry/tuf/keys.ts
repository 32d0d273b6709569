import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  type KeyObject,
} from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A public key as TUF metadata holds it; `public` is the raw key in hex. */
export interface TufKey {
  readonly keytype: 'ed25519';
  readonly scheme: 'ed25519';
  readonly keyval: { readonly public: string };
}

/** The key that a role of the metadata names by its id. */
export interface TufSigner {
  readonly id: string;
  readonly key: TufKey;
  sign(bytes: Uint8Array): Buffer;
}

/** Ed25519 only. */
export function tufKey(publicKey: KeyObject): TufKey {
  const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32).toString('hex');
  return { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: raw } };
}

/** SHA-256 of the key, so that one key has one id and never counts twice. */
export function tufKeyId({ keytype, scheme, keyval }: TufKey): string {
  const text = JSON.stringify({ keytype, keyval: { public: keyval.public }, scheme });
  return createHash('sha256').update(text).digest('hex');
}

export function tufSigner(privateKey: KeyObject): TufSigner {
  const key = tufKey(createPublicKey(privateKey));
  return { id: tufKeyId(key), key, sign: (bytes) => sign(null, bytes, privateKey) };
}

/** Makes a key in the folder, readable by its owner only, in a file named after its id. */
export function makeTufKey(folder: string): TufSigner {
  const { privateKey } = generateKeyPairSync('ed25519');
  const signer = tufSigner(privateKey);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(
    join(folder, `${signer.id}.pem`),
    privateKey.export({ type: 'pkcs8', format: 'pem' }),
    { mode: 0o600, flag: 'wx', flush: true },
  );
  return signer;
}

/** The keys of the folder, by id. */
export function readTufKeys(folder: string): ReadonlyMap<string, TufSigner> {
  const files = readdirSync(folder).filter((file) => file.endsWith('.pem'));
  const signers = files.map((file) =>
    tufSigner(createPrivateKey(readFileSync(join(folder, file)))),
  );
  return new Map(signers.map((signer) => [signer.id, signer]));
}
