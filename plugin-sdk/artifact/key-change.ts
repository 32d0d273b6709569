import { sign, verify } from 'node:crypto';
import type { LogEvent } from '../contract/index.ts';
import { canonicalJson } from './log/canonical.ts';
import { readPublicKey } from './public-key.ts';
import type { PublisherKey } from './sign.ts';

export type KeyEvent = Extract<LogEvent, { readonly event: 'key' }>;
/** What a change of a namespace's keys says; everything that matters, so that no signature fits another change. */
export type KeyChange = Pick<
  KeyEvent,
  'namespace' | 'change' | 'hint' | 'spki' | 'role' | 'notAfter' | 'revokedFrom'
>;
export type Endorsement = KeyEvent['endorsements'][number];

/** The bytes that whoever endorses a change signs: a line with the purpose, then canonical JSON. `origin`: of the log. */
export function keyStatement(origin: string, change: KeyChange): Buffer {
  const { namespace, change: what, hint, spki, role, notAfter, revokedFrom } = change;
  const said = { origin, namespace, change: what, hint, spki, role, notAfter, revokedFrom };
  return Buffer.from(`runtime-hub.dev/key-change/v1\n${canonicalJson(said)}\n`);
}

export function endorse(
  origin: string,
  change: KeyChange,
  { hint, privateKey }: PublisherKey,
): Endorsement {
  const algorithm = privateKey.asymmetricKeyType === 'ed25519' ? null : 'sha256';
  const signature = sign(algorithm, keyStatement(origin, change), privateKey);
  return { hint, signature: signature.toString('base64') };
}

/** True when the key signed the change. `spki` is base64 DER; any other key than Ed25519 or P-256 signs nothing. */
export function isEndorsedBy(
  spki: string,
  { signature }: Endorsement,
  origin: string,
  change: KeyChange,
): boolean {
  const key = readPublicKey(spki);
  if (key === null) return false;
  const algorithm = key.alg === 'ed25519' ? null : 'sha256';
  const bytes = Buffer.from(signature, 'base64');
  return verify(algorithm, keyStatement(origin, change), key.publicKey, bytes);
}
