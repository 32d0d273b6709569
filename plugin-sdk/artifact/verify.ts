import { isDeepStrictEqual } from 'node:util';
import * as Type from 'typebox';
import { AnyJson, HubError, type LogEvent, type Manifest } from '../contract/index.ts';
import { malformed, parseLoggedBundle, problemOf, type LoggedBundle } from './bundle.ts';
import { guardOf } from './guard.ts';
import { eventOf } from './log/leaf.ts';
import { checkMeaning, parseForm } from './parse-manifest.ts';
import { readArtifact, sha256Of, type Artifact } from './read.ts';
import { verifySigner, type VerifiedSigner } from './signer.ts';
import {
  PREDICATE_TYPE,
  STATEMENT_TYPE,
  Subjects,
  manifestJson,
  subjectName,
  type Statement,
} from './statement.ts';
import type { ReleaseTrust } from './trust.ts';

export interface VerifiedRelease extends VerifiedSigner {
  readonly manifest: Manifest;
  readonly digest: string;
  readonly files: ReadonlyMap<string, Uint8Array>;
}

const ReleaseForm = Type.Object(
  {
    _type: Type.String(),
    subject: Subjects,
    predicateType: Type.String(),
    predicate: Type.Object(
      { manifest: AnyJson, files: Type.Record(Type.String(), Type.String()) },
      { additionalProperties: false },
    ),
  },
  { additionalProperties: false },
);
const isStatement = guardOf<Statement>(ReleaseForm);

/**
 * Verifies an artifact against its bundle, offline: the stock Sigstore verifier with its default thresholds, and on top
 * what it leaves to us: the form of the bundle, the subject's name and digest, the predicate, the bounds of the key, the
 * manifest, every file, and that the log says the same. Schemas of a manifest are compiled last, so that only a trusted
 * publisher's ever are.
 */
export function verifyRelease(
  packed: Uint8Array,
  bundleText: string,
  trust: ReleaseTrust,
): VerifiedRelease {
  const artifact = readArtifact(packed);
  const manifest = parseForm(manifestJson(artifact));
  const bundle = parseLoggedBundle(bundleText);
  const statement = parseStatement(bundle);
  checkSubject(statement, manifest);
  const signer = verifySigner(bundle, manifest.id, trust);
  checkDigest(statement, artifact, manifest.id);
  checkManifest(statement, artifact, manifest.id);
  checkFiles(statement.predicate.files, artifact.files, manifest.id);
  checkLeaf(bundle, {
    ...{ ...signer, id: manifest.id, version: manifest.version, digest: artifact.digest },
    loggedAs: loggedName(manifest.id, signer, trust),
  });
  checkMeaning(manifest);
  return { ...signer, manifest, digest: artifact.digest, files: artifact.files };
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

function parseStatement({ statement }: LoggedBundle): Statement {
  if (isStatement(statement)) return statement;
  throw malformed(`payload: ${problemOf(isStatement)}`);
}

function checkSubject(statement: Statement, { id, version }: Manifest): void {
  if (statement._type !== STATEMENT_TYPE || statement.predicateType !== PREDICATE_TYPE)
    throw malformed('it vouches for something other than a plugin release');
  const [subject, ...others] = statement.subject;
  if (subject === undefined || others.length > 0)
    throw malformed('it must speak of exactly one artifact');
  const expected = subjectName(id, version);
  if (subject.name !== expected)
    throw new HubError('SIGNATURE_SUBJECT_MISMATCH', {
      expected,
      actual: subject.name.slice(0, 200),
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

/** The name that the log must use for the plugin; null when nobody has said whether it is a private one. */
function loggedName(
  plugin: string,
  { origin }: VerifiedSigner,
  trust: ReleaseTrust,
): string | null {
  return trust.originsFor(plugin).find((it) => it.origin === origin)?.loggedAs ?? null;
}

/** What a publication in the log has to say. */
interface Published extends VerifiedSigner {
  readonly id: string;
  readonly version: string;
  readonly digest: string;
  readonly loggedAs: string | null;
}

/** A registry’s leaf also tells in plain words what was published; whoever reads only the log must read the truth. */
function checkLeaf({ receipt, claim }: LoggedBundle, release: Published): void {
  const event = eventOf(Buffer.from(receipt.canonicalizedBody, 'base64'));
  if (event === null) return;
  const isOther = 'hint' in claim && event.event === 'published' && event.publisher !== claim.hint;
  const detail = isOther ? 'another publisher' : lieOf(event, release);
  if (detail !== null) throw new HubError('LOG_LEAF_MISMATCH', { plugin: release.id, detail });
}

/** What may pass between the event and its receipt. */
const MAX_DELAY_MS = 10 * 60_000;

function lieOf(event: LogEvent, release: Published): string | null {
  if (event.event !== 'published') return 'it is no publication';
  if (!isName(event.plugin, release)) return 'another plugin';
  if (event.version !== release.version) return 'another version';
  if (event.digest !== release.digest) return 'another digest';
  if (Math.abs(event.at - release.loggedAt) > MAX_DELAY_MS) return 'another time';
  return null;
}

/** A private namespace logs a salted hash, which says nothing to whoever lacks the salt. */
function isName(name: string, { id, loggedAs }: Published): boolean {
  if (loggedAs !== null) return name === loggedAs;
  return name === id || /^sha256:[0-9a-f]{64}$/u.test(name);
}
