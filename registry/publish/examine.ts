import { verifyUnlogged, withoutReceipts, type TrustedKey } from '@runtime-hub/plugin-sdk/artifact';
import { HubError, type Finding, type Manifest } from '@runtime-hub/plugin-sdk/contract';

export interface Upload {
  readonly artifact: Uint8Array;
  /** The publisher's signature, without a receipt or with somebody else's. */
  readonly bundle: string;
}

export interface Examined {
  readonly manifest: Manifest;
  readonly digest: string;
  readonly publisher: string;
  /** Key that signed, base64 DER; null when it was a certificate's. */
  readonly spki: string | null;
  /** The bundle as its publisher signed it. */
  readonly bundle: string;
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/**
 * Reads an upload strictly and verifies that one of `signers` signed exactly it. Throws ARTIFACT_*, MANIFEST_INVALID,
 * SIGNATURE_* or PUBLISHER_UNTRUSTED.
 */
export function examine(upload: Upload, signers: ReadonlyMap<string, TrustedKey>): Examined {
  // A receipt of another log would fail every verifier that does not know it.
  const bundle = withoutReceipts(upload.bundle);
  const verified = verifyUnlogged(upload.artifact, bundle, { keys: signers });
  const spki = signers.get(verified.publisher)?.spki ?? null;
  return { ...verified, spki, bundle };
}

/** Throws PUBLISH_RULES_BROKEN when a rule that must hold does not. */
export function requireRules(plugin: string, findings: readonly Finding[]): void {
  const errors = findings.filter((it) => it.severity === 'error');
  if (errors.length === 0) return;
  throw new HubError('PUBLISH_RULES_BROKEN', {
    plugin,
    rules: errors.slice(0, 10).map(placeOf).join(', '),
    findings: findings.slice(0, 200),
  });
}

const placeOf = ({ rule, file, line }: Finding): string => {
  const at = [file, line].filter((it) => it !== null).join(':');
  return at === '' ? rule : `${rule} (${at})`;
};
