import { keyringFrom, type TrustedKey } from '@runtime-hub/plugin-sdk/artifact';
import type { KeyringEntry } from '@runtime-hub/plugin-sdk/contract';
import type { Store } from '../store/index.ts';

/** The keys of a namespace as its logged events make them; `namespace` in them is its plain name. */
export function keyringOf(
  store: Store,
  namespace: string,
  origin: string,
): readonly KeyringEntry[] {
  const entries = keyringFrom(store.namespaces.keyEvents(namespace), origin);
  return entries.map((it) => ({ ...it, namespace }));
}

/** Keys that may sign a release logged at `now`, by hint. */
export function signersNow(
  keyring: readonly KeyringEntry[],
  now: number,
): ReadonlyMap<string, TrustedKey> {
  const usable = keyring.filter(
    (key) =>
      key.role === 'signer' &&
      key.revokedAtLogIndex === null &&
      (key.notBefore ?? 0) <= now &&
      (key.notAfter ?? Infinity) > now,
  );
  return new Map(usable.map((key) => [key.hint, key]));
}
