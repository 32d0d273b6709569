import type { KeyObject } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { bundleFromJSON } from '@sigstore/bundle';
import { TrustedRoot } from '@sigstore/protobuf-specs';
import { Verifier, toSignedEntity, toTrustMaterial } from '@sigstore/verify';
import { HubError, type Json, type Manifest } from '../contract/index.ts';
import { checkEnvelope } from './envelope.ts';
import { logId } from './local-log.ts';
import { checkMeaning, parseForm } from './parse-manifest.ts';
import { readPublicKey } from './public-key.ts';
import { readArtifact, sha256Of, type Artifact } from './read.ts';
import {
  PREDICATE_TYPE,
  STATEMENT_TYPE,
  manifestJson,
  subjectName,
  type Statement,
} from './statement.ts';

/** Whom a verifier believes. Keys are DER SubjectPublicKeyInfo in base64. */
export interface ReleaseTrust {
  /** Keys that may sign for a plugin, by hint; the hint in a bundle is the signer's own claim, so it only selects. */
  keysFor(plugin: string): ReadonlyMap<string, string>;
  readonly log: { readonly origin: string; readonly spki: string };
}

export interface VerifiedRelease {
  readonly manifest: Manifest;
  readonly digest: string;
  /** Hint of the key that signed. */
  readonly publisher: string;
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/**
 * Verifies an artifact against its bundle, offline: the stock Sigstore verifier with its default thresholds, and on top
 * what it leaves to us: the form of the bundle, the subject's name and digest, the predicate, the manifest, every file.
 * Schemas of a manifest are compiled last, so that only a trusted publisher's ever are.
 */
export function verifyRelease(
  packed: Uint8Array,
  bundleText: string,
  trust: ReleaseTrust,
): VerifiedRelease {
  const artifact = readArtifact(packed);
  const manifest = parseForm(manifestJson(artifact));
  const { bundle, hint, statement } = checkEnvelope(bundleText);
  checkSubject(statement, manifest);
  const key = trust.keysFor(manifest.id).get(hint);
  if (key === undefined)
    throw new HubError('PUBLISHER_UNTRUSTED', { plugin: manifest.id, key: hint.slice(0, 64) });
  checkSignature(bundle, manifest.id, publisherKey(key, manifest.id), trust.log);
  checkDigest(statement, artifact, manifest.id);
  checkManifest(statement, artifact, manifest.id);
  checkFiles(statement.predicate.files, artifact.files, manifest.id);
  checkMeaning(manifest);
  return { manifest, digest: artifact.digest, publisher: hint, files: artifact.files };
}

/** Throws ARTIFACT_FILE_MISMATCH unless the files are exactly those whose SHA-256 were signed. */
export function checkFiles(
  signed: Readonly<Record<string, string>>,
  files: ReadonlyMap<string, Uint8Array>,
  plugin: string,
): void {
  for (const file of Object.keys(signed)) {
    if (!files.has(file)) throw new HubError('ARTIFACT_FILE_MISMATCH', { plugin, file });
  }
  for (const [file, bytes] of files) {
    const isSigned = Object.hasOwn(signed, file) && signed[file] === sha256Of(bytes);
    if (!isSigned) throw new HubError('ARTIFACT_FILE_MISMATCH', { plugin, file });
  }
}

function checkSubject(statement: Statement, { id, version }: Manifest): void {
  if (statement._type !== STATEMENT_TYPE || statement.predicateType !== PREDICATE_TYPE) {
    throw new HubError('SIGNATURE_MALFORMED', {
      detail: 'it vouches for something other than a plugin release',
    });
  }
  const [subject, ...others] = statement.subject;
  if (subject === undefined || others.length > 0) {
    throw new HubError('SIGNATURE_MALFORMED', { detail: 'it must speak of exactly one artifact' });
  }
  const expected = subjectName(id, version);
  if (subject.name !== expected)
    throw new HubError('SIGNATURE_SUBJECT_MISMATCH', {
      expected,
      actual: subject.name.slice(0, 200),
    });
}

function checkSignature(
  bundle: Json,
  plugin: string,
  key: KeyObject,
  log: ReleaseTrust['log'],
): void {
  try {
    const material = toTrustMaterial(trustedRoot(log), () => ({
      publicKey: key,
      validFor: () => true,
    }));
    // SAFETY: checkEnvelope found the form that bundleFromJSON reads.
    new Verifier(material).verify(toSignedEntity(bundleFromJSON(bundle as never)));
  } catch (error) {
    const detail = error instanceof Error ? error.message.slice(0, 200) : 'it can’t be verified';
    throw new HubError('SIGNATURE_INVALID', { plugin, detail }, { cause: error });
  }
}

function trustedRoot({ origin, spki }: ReleaseTrust['log']): TrustedRoot {
  const key = readPublicKey(spki);
  if (key?.alg !== 'ed25519') throw new Error('the log’s key is not Ed25519');
  return TrustedRoot.fromJSON({
    mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    tlogs: [
      {
        baseUrl: `https://${origin}`,
        hashAlgorithm: 'SHA2_256',
        publicKey: {
          rawBytes: spki,
          keyDetails: 'PKIX_ED25519',
          validFor: { start: '2020-01-01T00:00:00Z' },
        },
        logId: { keyId: logId(origin, key.publicKey).toString('base64') },
      },
    ],
  });
}

/** Ed25519 or P-256 only: the library itself would take any strength. */
function publisherKey(spki: string, plugin: string): KeyObject {
  const key = readPublicKey(spki);
  if (key !== null) return key.publicKey;
  throw new HubError('SIGNATURE_INVALID', {
    plugin,
    detail: 'the publisher’s key is neither Ed25519 nor P-256',
  });
}

function checkDigest(statement: Statement, { digest }: Artifact, plugin: string): void {
  const signed = `sha512-${statement.subject[0]?.digest['sha512'] ?? 'none'}`;
  if (signed !== digest)
    throw new HubError('ARTIFACT_DIGEST_MISMATCH', { plugin, expected: signed, actual: digest });
}

function checkManifest(statement: Statement, artifact: Artifact, plugin: string): void {
  if (isDeepStrictEqual(statement.predicate.manifest, manifestJson(artifact))) return;
  throw new HubError('ARTIFACT_MANIFEST_MISMATCH', {
    plugin,
    detail: 'manifest.json differs from the signed one',
  });
}
