import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { homedir, platform } from 'node:os';
import { join } from 'node:path';
import { spkiOf, type PublisherKey } from '../../artifact/index.ts';
import { HubError, NAMESPACE_PATTERN } from '../../contract/index.ts';
import { usage } from '../output.ts';

/** What may be told of a key. `spki`: base64 DER SubjectPublicKeyInfo. */
export interface PublicPart {
  readonly hint: string;
  readonly namespace: string;
  readonly alg: 'ed25519' | 'p256';
  /** `recovery`: never signs releases, only changes of the namespace's keys; is kept offline. */
  readonly role: 'signer' | 'recovery';
  readonly spki: string;
  readonly createdAt: string;
}

/** A key that can sign, and what may be told of it. */
export type OwnKey = PublisherKey & { readonly part: PublicPart };

/** Where the author's keys, tokens and settings are: $HUB_PLUGIN_KEYS, else ~/.config/runtime-hub/keys. */
export function keysFolder(): string {
  const config = process.env['XDG_CONFIG_HOME'] ?? join(homedir(), '.config');
  return process.env['HUB_PLUGIN_KEYS'] ?? join(config, 'runtime-hub', 'keys');
}

/** Makes a key; its file can be read by its owner only and is never overwritten. Throws HUB_REQUEST_INVALID. */
export function makeKey({
  namespace,
  alg,
  role,
}: Pick<PublicPart, 'namespace' | 'alg' | 'role'>): PublicPart {
  if (!new RegExp(NAMESPACE_PATTERN, 'u').test(namespace))
    throw usage('namespace', namespace, 'Two to 39 small letters, digits and hyphens, e.g. acme.');
  const { privateKey } =
    alg === 'ed25519'
      ? generateKeyPairSync('ed25519')
      : generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const now = new Date();
  const year = String(now.getUTCFullYear());
  const hint = freeHint(
    role === 'recovery' ? `${namespace}-recovery-${year}` : `${namespace}-${year}`,
  );
  const spki = spkiOf({ privateKey });
  const part = { hint, namespace, alg, role, spki, createdAt: now.toISOString() };
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
  const text = JSON.stringify({ version: 1, ...part, privateKey: pem }, null, 2);
  writePrivate(fileOf(hint), `${text}\n`, 'wx');
  return part;
}

/** Every key of this author, newest first. */
export function listKeys(): readonly PublicPart[] {
  const folder = keysFolder();
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => publicPart(name.slice(0, -'.json'.length)))
    .toSorted((one, two) => (one.createdAt < two.createdAt ? 1 : -1));
}

/** What may be told of the key of that name. Throws PUBLISHER_KEY_MISSING or PUBLISHER_KEY_UNSAFE. */
export function publicPart(hint: string): PublicPart {
  const { privateKey: _secret, version: _version, ...part } = readKeyFile(hint);
  return part;
}

/** The key to sign releases with: the named one, else the newest of the namespace. Throws PUBLISHER_KEY_MISSING, PUBLISHER_KEY_UNSAFE or HUB_REQUEST_INVALID. */
export function signingKey(namespace: string, hint?: string): OwnKey {
  const isMeant = (it: PublicPart): boolean => it.namespace === namespace && it.role === 'signer';
  const chosen = hint ?? listKeys().find(isMeant)?.hint;
  if (chosen === undefined)
    throw new HubError('PUBLISHER_KEY_MISSING', { key: `for ${namespace}` });
  const key = ownKey(chosen);
  if (key.part.role === 'signer') return key;
  throw usage('--key', chosen, 'A recovery key signs changes of keys only; name a signing key.');
}

/** The key of that name, to sign with. Throws PUBLISHER_KEY_MISSING or PUBLISHER_KEY_UNSAFE. */
export function ownKey(hint: string): OwnKey {
  const { privateKey, version: _version, ...part } = readKeyFile(hint);
  return { hint, privateKey: createPrivateKey(privateKey), part };
}

/** Writes a file that only its owner can read, in a folder only they can open. */
export function writePrivate(file: string, text: string, flag: 'w' | 'wx' = 'w'): void {
  mkdirSync(join(file, '..'), { recursive: true, mode: 0o700 });
  writeFileSync(file, text, { mode: 0o600, flag });
}

/** Text of a file that holds a secret. Throws PUBLISHER_KEY_UNSAFE when others could read or change it, as ssh does. */
export function readPrivate(file: string): string {
  const { mode, uid } = statSync(file);
  const isOwn = process.getuid === undefined || uid === process.getuid();
  if (platform() !== 'win32' && ((mode & 0o077) !== 0 || !isOwn))
    throw new HubError('PUBLISHER_KEY_UNSAFE', { file });
  return readFileSync(file, 'utf8');
}

interface KeyFile extends PublicPart {
  readonly version: 1;
  readonly privateKey: string;
}

function readKeyFile(hint: string): KeyFile {
  const file = fileOf(hint);
  if (!/^[a-z0-9][a-z0-9._-]{0,63}$/u.test(hint) || !existsSync(file))
    throw new HubError('PUBLISHER_KEY_MISSING', { key: hint });
  const text = readPrivate(file);
  try {
    // SAFETY: written by makeKey; a file of another form fails at once and says which.
    const key = JSON.parse(text) as KeyFile;
    const privateKey = createPrivateKey(key.privateKey);
    if (key.hint === hint && spkiOf({ privateKey }) === key.spki) return key;
  } catch {
    // The cause would quote the file, which is secret.
  }
  throw usage(
    'key',
    file,
    'It is damaged or was edited; restore it from a copy, or make another key.',
  );
}

const fileOf = (hint: string): string => join(keysFolder(), `${hint}.json`);

function freeHint(wished: string): string {
  for (let count = 1; ; count += 1) {
    const hint = count === 1 ? wished : `${wished}-${String(count)}`;
    if (!existsSync(fileOf(hint))) return hint;
  }
}
