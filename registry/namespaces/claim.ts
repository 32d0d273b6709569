import { eventLeaf, keyringFrom, withKeyEvent } from '@runtime-hub/plugin-sdk/artifact';
import { HubError } from '@runtime-hub/plugin-sdk/contract';
import type { Clock } from '../clock.ts';
import { concealed, newSalt, type Log } from '../log/index.ts';
import type { KeyEvent, NamespaceRow, Store } from '../store/index.ts';
import { isAlike } from './alike.ts';

export interface NamespaceParts {
  readonly store: Store;
  readonly log: Log;
  readonly clock: Clock;
}

export interface Claim {
  readonly name: string;
  readonly visibility: 'public' | 'private';
  readonly review: boolean;
  /** Namespaces it may be taken for and that the admin has looked at. */
  readonly despite: readonly string[];
}

/** Makes a namespace, without keys. Throws REGISTRY_NAMESPACE_REFUSED. Only inside a transaction. */
export function claimNamespace({ store, clock }: NamespaceParts, claim: Claim): NamespaceRow {
  requireFree(store, claim);
  const { name, visibility, review } = claim;
  const row = { name, visibility, review, salt: newSalt(), createdAt: clock.now() };
  store.namespaces.add(row);
  return row;
}

/**
 * Logs a change of a namespace's keys; its leaf. What must be signed for it, and over which words, `keyStatement` of
 * plugin-sdk/artifact tells. Throws PUBLISHER_KEY_UNENDORSED. Only inside a transaction.
 */
export function recordKey(
  { store, log, clock }: NamespaceParts,
  namespace: NamespaceRow,
  change: Omit<KeyEvent, 'event' | 'namespace' | 'at'>,
): number {
  const said = loggedName(namespace, namespace.name);
  const reason = loggedName(namespace, change.reason);
  const event: KeyEvent = { ...change, event: 'key', namespace: said, reason, at: clock.now() };
  const keyring = keyringFrom(store.namespaces.keyEvents(namespace.name), log.origin);
  withKeyEvent(keyring, { index: log.size(), event }, log.origin);
  const index = log.append(eventLeaf(event));
  store.namespaces.addKeyEvent(namespace.name, { index, event });
  return index;
}

/** How the log names something of a namespace. */
export function loggedName({ visibility, salt }: NamespaceRow, name: string): string {
  return visibility === 'private' ? concealed(salt, name) : name;
}

function requireFree(store: Store, { name, despite }: Claim): void {
  const refuse = (reason: string): HubError =>
    new HubError('REGISTRY_NAMESPACE_REFUSED', { namespace: name, reason });
  if (store.namespaces.get(name) !== null) throw refuse('it is taken');
  const alike = store.namespaces
    .all()
    .find((other) => isAlike(name, other.name) && !despite.includes(other.name));
  if (alike !== undefined) throw refuse(`it looks like ${alike.name}`);
}
