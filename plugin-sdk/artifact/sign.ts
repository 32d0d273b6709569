import { createPublicKey, sign, type KeyObject } from 'node:crypto';
import { bundleToJSON } from '@sigstore/bundle';
import type { Signer } from '@sigstore/sign';
import { oidcSigner, type OidcLogin } from './fulcio.ts';
import type { LocalLog } from './log/local-log.ts';
import { parseManifest } from './parse-manifest.ts';
import { readArtifact } from './read.ts';
import { logBundle } from './receipt.ts';
import { PAYLOAD_TYPE, manifestJson, statementFor } from './statement.ts';

/** A publisher's signing key: Ed25519 or ECDSA P-256. `hint` is how trust policies name it. */
export interface PublisherKey {
  readonly hint: string;
  readonly privateKey: KeyObject;
}

/**
 * Signs an artifact: a Sigstore bundle v0.3 with a DSSE envelope (in-toto statement) and no receipt yet; the registry
 * adds its own. Throws ARTIFACT_MALFORMED, MANIFEST_INVALID or SIGNATURE_CERTIFICATE_REFUSED.
 */
export async function signArtifact(
  packed: Uint8Array,
  signer: PublisherKey | OidcLogin,
): Promise<string> {
  const artifact = readArtifact(packed);
  const manifest = parseManifest(manifestJson(artifact));
  return await signStatement(statementFor(packed, artifact, manifest), signer);
}

/** Signs an artifact and has a local log take it down: a bundle that the stock verifier accepts with its default thresholds. */
export async function signRelease(
  packed: Uint8Array,
  key: PublisherKey,
  log: LocalLog,
): Promise<string> {
  return logBundle(await signArtifact(packed, key), spkiOf(key), log);
}

/** An in-toto statement as a signed bundle without receipt. */
export async function signStatement(
  statement: object,
  signer: PublisherKey | OidcLogin,
): Promise<string> {
  // Heavy, and of no use to a hub that only verifies.
  const { DSSEBundleBuilder } = await import('@sigstore/sign');
  const builder = new DSSEBundleBuilder({
    signer: 'privateKey' in signer ? keySigner(signer) : await oidcSigner(signer),
    witnesses: [],
  });
  const bundle = await builder.create({
    data: Buffer.from(JSON.stringify(statement)),
    type: PAYLOAD_TYPE,
  });
  return JSON.stringify(bundleToJSON(bundle));
}

/** Public part of a signing key: base64 DER SubjectPublicKeyInfo. */
export function spkiOf({ privateKey }: Pick<PublisherKey, 'privateKey'>): string {
  return createPublicKey(privateKey).export({ type: 'spki', format: 'der' }).toString('base64');
}

function keySigner({ hint, privateKey }: PublisherKey): Signer {
  const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString();
  const algorithm = privateKey.asymmetricKeyType === 'ed25519' ? null : 'sha256';
  return {
    sign: async (data) =>
      await Promise.resolve({
        signature: sign(algorithm, data, privateKey),
        key: { $case: 'publicKey', publicKey, hint },
      }),
  };
}
