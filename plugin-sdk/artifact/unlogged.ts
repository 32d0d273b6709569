import { generateKeyPairSync } from 'node:crypto';
import { parseBundle, withoutReceipts } from './bundle.ts';
import type { OidcTrust } from './identity.ts';
import type { LocalLog } from './log/local-log.ts';
import { logBundle } from './receipt.ts';
import { spkiOf } from './sign.ts';
import { unboundedKey, type TrustedKey } from './trust.ts';
import { verifyRelease, type VerifiedRelease } from './verify.ts';

/** Who may sign now; what is revoked, over or not yet begun does not belong here. */
export interface CurrentSigners {
  readonly keys: ReadonlyMap<string, Pick<TrustedKey, 'spki'>>;
  readonly oidc?: OidcTrust;
}

/**
 * Verifies a release before a log takes it down, by the same path as all others: a log of one leaf, made for this one
 * check, gives the receipt. Throws what `verifyRelease` throws.
 */
export function verifyUnlogged(
  packed: Uint8Array,
  bundleText: string,
  { keys, oidc }: CurrentSigners,
): Omit<VerifiedRelease, 'origin' | 'logIndex' | 'loggedAt'> {
  const log = momentaryLog();
  const { claim } = parseBundle(withoutReceipts(bundleText));
  // For a hint that nobody knows any key does: it is refused as untrusted.
  const spki = ('hint' in claim ? keys.get(claim.hint)?.spki : undefined) ?? spkiOf(log);
  const origin = {
    origin: log.origin,
    logKey: spkiOf(log),
    keys: new Map([...keys].map(([hint, key]) => [hint, unboundedKey(key.spki)])),
    ...(oidc === undefined ? {} : { oidc }),
  };
  const { manifest, digest, files, publisher } = verifyRelease(
    packed,
    logBundle(bundleText, spki, log),
    { originsFor: () => [origin] },
  );
  return { manifest, digest, files, publisher };
}

function momentaryLog(): LocalLog {
  const { privateKey } = generateKeyPairSync('ed25519');
  const store = { leaves: () => [], append: () => undefined };
  return { origin: 'unlogged.invalid', privateKey, store };
}
