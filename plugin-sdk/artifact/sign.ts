import { createPublicKey, sign, type KeyObject } from 'node:crypto';
import { bundleToJSON } from '@sigstore/bundle';
import type { Signer } from '@sigstore/sign';
import { witnessOf, type LocalLog } from './local-log.ts';
import { parseManifest } from './parse-manifest.ts';
import { readArtifact } from './read.ts';
import { PAYLOAD_TYPE, manifestJson, statementFor } from './statement.ts';

/** A publisher's signing key: Ed25519 or ECDSA P-256. `hint` is how trust policies name it. */
export interface PublisherKey {
  readonly hint: string;
  readonly privateKey: KeyObject;
}

/**
 * Signs an artifact: a Sigstore bundle v0.3 with a DSSE envelope (in-toto statement) and the log's receipt, which the
 * stock verifier accepts with its default thresholds. Throws ARTIFACT_MALFORMED or MANIFEST_INVALID.
 */
export async function signRelease(
  packed: Uint8Array,
  key: PublisherKey,
  log: LocalLog,
): Promise<string> {
  const artifact = readArtifact(packed);
  const manifest = parseManifest(manifestJson(artifact));
  const statement = statementFor(packed, artifact, manifest);
  // Heavy, and of no use to a hub that only verifies.
  const { DSSEBundleBuilder } = await import('@sigstore/sign');
  const builder = new DSSEBundleBuilder({ signer: signerOf(key), witnesses: [witnessOf(log)] });
  const bundle = await builder.create({
    data: Buffer.from(JSON.stringify(statement)),
    type: PAYLOAD_TYPE,
  });
  return JSON.stringify(bundleToJSON(bundle));
}

function signerOf({ hint, privateKey }: PublisherKey): Signer {
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
