import { HubError, type KeyringEntry, type LogEvent } from '../contract/index.ts';
import { isEndorsedBy, type KeyEvent } from './key-change.ts';
import { normalSpki, readPublicKey } from './public-key.ts';
import type { TrustedKey } from './trust.ts';

/** How long a key waits that an admin gave to a namespace which lost its own; in that time its owner may object. */
export const COOL_DOWN_MS = 72 * 3_600_000;

export interface LoggedEvent {
  readonly index: number;
  readonly event: LogEvent;
}

/**
 * The keys of all namespaces, as the events of a log make them; other events are passed over. Throws
 * PUBLISHER_KEY_UNENDORSED at the first change that its namespace did not agree to: the log's owner is then not honest.
 */
export function keyringFrom(
  events: readonly LoggedEvent[],
  origin: string,
): readonly KeyringEntry[] {
  return events
    .toSorted((a, b) => a.index - b.index)
    .reduce<readonly KeyringEntry[]>((keyring, it) => withKeyEvent(keyring, it, origin), []);
}

/**
 * The keyring after one more event. The first key of a namespace proves only that its owner holds it. A further one is
 * signed by a current key and, where there is one, by the recovery key. One that an admin gives begins a new line of keys,
 * after a cool-down. A revocation needs nobody, and no key comes back. Throws PUBLISHER_KEY_UNENDORSED.
 */
export function withKeyEvent(
  keyring: readonly KeyringEntry[],
  { index, event }: LoggedEvent,
  origin: string,
): readonly KeyringEntry[] {
  if (event.event !== 'key') return keyring;
  const own = keyring.filter(({ namespace }) => namespace === event.namespace);
  if (event.change === 'revoked') return revoked(keyring, index, event);
  const key = readPublicKey(event.spki);
  if (key === null) throw refused(event, 'it is neither Ed25519 nor P-256');
  // One key has one text, or it would come back under another.
  if (normalSpki(event.spki) !== event.spki) throw refused(event, 'it is in another form');
  if (own.some(({ hint, spki }) => hint === event.hint || spki === event.spki))
    throw refused(event, 'the key or its name was there before');
  const { namespace, hint, spki, role, notAfter } = event;
  return [
    ...keyring,
    {
      ...{ namespace, hint, spki, role, notAfter },
      alg: key.alg,
      lineage: lineageOf(own, index, event, origin),
      addedAtLogIndex: index,
      notBefore: event.change === 'recovered' ? event.at + COOL_DOWN_MS : null,
      revokedAtLogIndex: null,
      reason: null,
    },
  ];
}

/** Keys that may sign for a namespace, with their bounds, also those whose time is over: what they signed in it holds. */
export function signersOf(
  keyring: readonly KeyringEntry[],
  namespace: string,
): ReadonlyMap<string, TrustedKey> {
  const own = keyring.filter((it) => it.namespace === namespace && it.role === 'signer');
  return new Map(own.map((it) => [it.hint, it]));
}

function revoked(
  keyring: readonly KeyringEntry[],
  index: number,
  event: KeyEvent,
): readonly KeyringEntry[] {
  const isMeant = ({ namespace, hint }: KeyringEntry): boolean =>
    namespace === event.namespace && hint === event.hint;
  const key = keyring.find(isMeant);
  if (key === undefined || key.spki !== event.spki) throw refused(event, 'there is no such key');
  // Later words can only revoke more.
  const from = Math.min(index, event.revokedFrom ?? index, key.revokedAtLogIndex ?? index);
  const entry = { ...key, revokedAtLogIndex: from, reason: event.reason };
  return keyring.map((it) => (isMeant(it) ? entry : it));
}

/** The line of keys that a new key joins or begins; throws unless those signed who must. */
function lineageOf(
  own: readonly KeyringEntry[],
  index: number,
  event: KeyEvent,
  origin: string,
): number {
  const signed = (hint: string, spki: string): boolean =>
    event.endorsements.some((it) => it.hint === hint && isEndorsedBy(spki, it, origin, event));
  if (own.length === 0 || event.change === 'recovered') {
    if (!signed(event.hint, event.spki)) throw refused(event, 'its owner did not sign');
    return index;
  }
  const endorsers = own.filter((it) => isCurrent(it, event.at) && signed(it.hint, it.spki));
  const signer = endorsers.find(({ role }) => role === 'signer');
  if (signer === undefined) throw refused(event, 'no current key signed');
  const line = (it: KeyringEntry): boolean =>
    it.lineage === signer.lineage && it.role === 'recovery';
  // Also when it was revoked: else a thief who has a signing key would revoke it first.
  if (own.some(line) && !endorsers.some(line)) throw refused(event, 'no recovery key signed');
  return signer.lineage;
}

function isCurrent({ revokedAtLogIndex, notBefore, notAfter }: KeyringEntry, at: number): boolean {
  return revokedAtLogIndex === null && (notBefore ?? at) <= at && (notAfter ?? at) >= at;
}

function refused(
  { namespace, hint }: KeyEvent,
  detail: string,
): HubError<'PUBLISHER_KEY_UNENDORSED'> {
  return new HubError('PUBLISHER_KEY_UNENDORSED', { namespace, key: hint, detail });
}
