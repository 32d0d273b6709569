/**
 * Who a CI job is (Fulcio certificate): the issuer of its token, the workflow that ran, and the ids of repository and
 * owner, which unlike their names are never given to somebody else. All of them must hold.
 */
export interface OidcIdentity {
  readonly issuer: string;
  /** The certificate's subject, whole; a last `*` stands for the rest of a git ref, such as a tag's version. */
  readonly subject: string;
  readonly repositoryId: string;
  readonly ownerId: string;
}

export interface OidcTrust {
  /** Trusted root (Sigstore JSON) with `certificateAuthorities` and `ctlogs`; other logs and clocks in it are not believed. */
  readonly trustedRoot: unknown;
  /** By the hint under which a publisher is shown. */
  readonly identities: ReadonlyMap<string, OidcIdentity>;
}

/** What a verified certificate says. */
export interface CertificateSubject {
  readonly issuer: string;
  readonly subject: string;
  /** DER values by dotted OID. */
  readonly extensions: ReadonlyMap<string, Uint8Array>;
}

/** Fulcio's OIDs: Source Repository Identifier and Source Repository Owner Identifier. */
const REPOSITORY_ID = '1.3.6.1.4.1.57264.1.15';
const OWNER_ID = '1.3.6.1.4.1.57264.1.17';

/** The hint of the identity the certificate stands for; null when it stands for none of them. */
export function identityOf(
  certificate: CertificateSubject,
  { identities }: OidcTrust,
): string | null {
  for (const [hint, identity] of identities) if (isIdentity(certificate, identity)) return hint;
  return null;
}

function isIdentity(certificate: CertificateSubject, identity: OidcIdentity): boolean {
  return (
    identity.issuer !== '' &&
    certificate.issuer === identity.issuer &&
    isSubject(certificate.subject, identity.subject) &&
    hasText(certificate.extensions.get(REPOSITORY_ID), identity.repositoryId) &&
    hasText(certificate.extensions.get(OWNER_ID), identity.ownerId)
  );
}

/** Only what follows `@refs/…/` may vary: a pattern that leaves repository or workflow open stands for nobody. */
function isSubject(actual: string, expected: string): boolean {
  if (!expected.includes('*')) return expected !== '' && actual === expected;
  const prefix = expected.slice(0, -1);
  if (!/^[^*@]+@refs\/(?:heads|tags)\/[^*@]*$/u.test(prefix) || !expected.endsWith('*'))
    return false;
  return actual.startsWith(prefix) && /^[\w.+/-]{1,200}$/u.test(actual.slice(prefix.length));
}

/** DER UTF8String of a short text. */
function hasText(der: Uint8Array | undefined, text: string): boolean {
  const bytes = Buffer.from(text);
  if (der === undefined || bytes.length === 0 || bytes.length > 127) return false;
  return Buffer.concat([Buffer.of(0x0c, bytes.length), bytes]).equals(der);
}
