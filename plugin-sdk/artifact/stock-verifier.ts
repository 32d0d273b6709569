import { bundleFromJSON } from '@sigstore/bundle';
import { TrustedRoot } from '@sigstore/protobuf-specs';
import { Verifier, toSignedEntity, toTrustMaterial, type Signer } from '@sigstore/verify';
import type { KeyObject } from 'node:crypto';
import type { Json } from '../contract/index.ts';
import type { CertificateSubject, OidcTrust } from './identity.ts';
import { logId, type LogKey } from './log/note.ts';

/**
 * Has the stock Sigstore verifier, with its default thresholds, check the signature of a key and the log's receipt.
 * Throws whatever it throws: each of them is a refusal.
 */
export function verifyByKey(bundle: Json, publicKey: KeyObject, log: LogKey): void {
  const find = () => ({ publicKey, validFor: () => true });
  const trust = toTrustMaterial(TrustedRoot.fromJSON(trustedRootOf(log)), find);
  verify(bundle, trust);
}

/** The same for a certificate: its chain, its transparency log, its life at the time that our log gives. Throws anything. */
export function verifyByCertificate(
  bundle: Json,
  { trustedRoot }: OidcTrust,
  log: LogKey,
): CertificateSubject {
  const { certificateAuthorities, ctlogs } = TrustedRoot.fromJSON(trustedRoot);
  const root = { ...TrustedRoot.fromJSON(trustedRootOf(log)), certificateAuthorities, ctlogs };
  const { identity } = verify(bundle, toTrustMaterial(root));
  return {
    issuer: identity?.extensions?.issuer ?? '',
    subject: identity?.subjectAlternativeName ?? '',
    extensions: new Map(
      identity?.oids?.map(({ oid, value }) => [oid?.id.join('.') ?? '', value]) ?? [],
    ),
  };
}

/** A trusted root (Sigstore JSON) that names this one log, for whoever verifies without a hub. */
export function trustedRootOf(log: LogKey): object {
  return {
    mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    tlogs: [
      {
        baseUrl: `https://${log.origin}`,
        hashAlgorithm: 'SHA2_256',
        publicKey: {
          rawBytes: log.publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
          keyDetails: 'PKIX_ED25519',
          validFor: { start: '2020-01-01T00:00:00Z' },
        },
        logId: { keyId: logId(log).toString('base64') },
      },
    ],
  };
}

function verify(bundle: Json, trust: ReturnType<typeof toTrustMaterial>): Signer {
  // SAFETY: parseBundle found the form that bundleFromJSON reads.
  return new Verifier(trust).verify(toSignedEntity(bundleFromJSON(bundle as never)));
}
