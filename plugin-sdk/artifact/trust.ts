import type { KeyringEntry } from '../contract/index.ts';
import type { OidcTrust } from './identity.ts';

/** A key that may sign, and for which releases: those logged from its first leaf on, below its revocation, in its time. */
export type TrustedKey = Pick<
  KeyringEntry,
  'spki' | 'addedAtLogIndex' | 'notBefore' | 'notAfter' | 'revokedAtLogIndex'
>;

/** A key without bounds, as an admin names it in a trust policy. `spki` is base64 DER. */
export const unboundedKey = (spki: string): TrustedKey => ({
  spki,
  addedAtLogIndex: 0,
  notBefore: null,
  notAfter: null,
  revokedAtLogIndex: null,
});

/** Where a plugin may come from: one log, and who may sign what that log takes down. */
export interface TrustedOrigin {
  readonly origin: string;
  /** Of the log: Ed25519, base64 DER SubjectPublicKeyInfo. */
  readonly logKey: string;
  /** By hint; the hint in a bundle is the signer's own claim, so it only selects. */
  readonly keys: ReadonlyMap<string, TrustedKey>;
  /**
   * What its log calls the plugin: the id, or the salted hash of a private one. When left out, any salted hash will do, and
   * a dishonest log could hide a release from those who watch it.
   */
  readonly loggedAs?: string;
  /** Who may sign with a certificate; nobody when left out. */
  readonly oidc?: OidcTrust;
}

/** Whom a verifier believes for a plugin; which origin is meant is told by the log that gave the receipt. */
export interface ReleaseTrust {
  originsFor(plugin: string): readonly TrustedOrigin[];
}
