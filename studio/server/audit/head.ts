import { createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import type { ChainPoint } from './chain.ts';
import { broken } from './record.ts';

/** What an audit is known to hold at some time: every record after `from`, up to `to`. */
export interface AuditSpan {
  readonly from: ChainPoint;
  readonly to: ChainPoint;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** A span vouched for by a hub. Kept apart from the audit, it shows what was cut off since. */
export interface AuditHead extends AuditSpan {
  /** The hub's Ed25519 key, SPKI as base64. */
  readonly key: string;
  /** Base64, over `noteOf`. */
  readonly signature: string;
}

export function signHead({ from, to, at }: AuditSpan, privateKey: KeyObject): AuditHead {
  const span = { from: pointOf(from), to: pointOf(to), at };
  const key = spkiOf(createPublicKey(privateKey));
  const signature = sign(null, Buffer.from(noteOf(span)), privateKey).toString('base64');
  return { ...span, key, signature };
}

/** Believes a head only when its key signed it, and it is the `key` expected (null: any). Throws AUDIT_BROKEN. */
export function parseHead(value: unknown, key: string | null): AuditHead {
  if (!isHead(value)) throw broken(0, 'its head is not of the form');
  const { from, to } = value;
  if (key !== null && value.key !== key)
    throw broken(to.sequence, 'its head was signed with another key');
  if (from.sequence > to.sequence || !isSigned(value))
    throw broken(to.sequence, 'the signature of its head does not hold');
  return value;
}

/** Public part of a key as it stands in heads. */
export const spkiOf = (publicKey: KeyObject): string =>
  publicKey.export({ type: 'spki', format: 'der' }).toString('base64');

/** What is signed. Its first line keeps it apart from all else that is signed with the same key. */
const noteOf = ({ from, to, at }: AuditSpan): string =>
  `runtime-hub/audit-head@1\n${String(from.sequence)} ${from.hash}\n${String(to.sequence)} ${to.hash}\n${String(at)}\n`;

function isSigned(head: AuditHead): boolean {
  try {
    const key = createPublicKey({
      key: Buffer.from(head.key, 'base64'),
      format: 'der',
      type: 'spki',
    });
    if (key.asymmetricKeyType !== 'ed25519' || spkiOf(key) !== head.key) return false;
    const signature = Buffer.from(head.signature, 'base64');
    if (signature.toString('base64') !== head.signature) return false;
    return verify(null, Buffer.from(noteOf(head)), key, signature);
  } catch {
    return false;
  }
}

const pointOf = ({ sequence, hash }: ChainPoint): ChainPoint => ({ sequence, hash });

function isHead(value: unknown): value is AuditHead {
  if (!hasKeys(value, ['from', 'to', 'at', 'key', 'signature'])) return false;
  const { from, to, at, key, signature } = value;
  const texts = [key, signature].every((it) => typeof it === 'string' && it.length < 1000);
  return isPoint(from) && isPoint(to) && typeof at === 'number' && texts;
}

/** True for a place in a chain, and nothing besides. */
export function isPoint(value: unknown): value is ChainPoint {
  if (!hasKeys(value, ['sequence', 'hash'])) return false;
  const { sequence, hash } = value;
  const isNumber = Number.isSafeInteger(sequence) && Number(sequence) >= 0;
  return isNumber && typeof hash === 'string' && /^[0-9a-f]{64}$/u.test(hash);
}

/** True for an object of exactly these keys in this order. */
export function hasKeys<K extends string>(
  value: unknown,
  keys: readonly K[],
): value is Record<K, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.keys(value).join() === keys.join();
}
