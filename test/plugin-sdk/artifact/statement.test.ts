import { createHash, generateKeyPairSync } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  packArtifact,
  readArtifact,
  verifyRelease,
  type PublisherKey,
} from '@runtime-hub/plugin-sdk/artifact';
import {
  artifactFor,
  artifactWith,
  logAt,
  manifestFor,
  publisher,
  signPayload,
  signRelease,
  spkiOf,
  trustIn,
  trustOf,
  verdictOf,
  type Bundle,
} from './release-parts.ts';

interface Statement {
  _type?: unknown;
  subject: { name?: unknown; digest: Record<string, unknown>; [more: string]: unknown }[];
  predicateType?: unknown;
  predicate: { manifest?: unknown; files: Record<string, unknown>; [more: string]: unknown };
  [more: string]: unknown;
}

const artifact = artifactFor();
const key = publisher();
const log = logAt();
const trust = trustIn(key, log);
let good = '';
beforeAll(async () => {
  // SAFETY: signRelease made it.
  const { dsseEnvelope } = JSON.parse(await signRelease(artifact, key, log)) as Bundle;
  good = Buffer.from(dsseEnvelope.payload, 'base64').toString();
});

/** What the verifier says to a changed statement that the trusted key has truly signed and the log has logged. */
async function verdict(change: (statement: Statement) => void, of = artifact): Promise<string> {
  // SAFETY: the payload is a statement.
  const statement = JSON.parse(good) as Statement;
  change(statement);
  return verdictOf(of, signPayload(JSON.stringify(statement), key, log), trust);
}

const first = (statement: Statement): Statement['subject'][number] => {
  const [subject] = statement.subject;
  if (subject === undefined) throw new Error('The statement has no subject.');
  return subject;
};
const hexOf = (algorithm: string, bytes: Uint8Array): string =>
  createHash(algorithm).update(bytes).digest('hex');

test('the unchanged statement holds', async () => {
  expect(await verdict(() => undefined)).toBe('accepted');
});

describe('a statement about something else is refused', () => {
  test.each<[string, unknown]>([
    ['another version', 'pkg:hub/acme/ocr@1.0.1'],
    ['a later build of the version', 'pkg:hub/acme/ocr@1.0.0+b'],
    ['another plugin of the publisher', 'pkg:hub/acme/mail@1.0.0'],
    ['a plugin of another namespace', 'pkg:hub/core/ocr@1.0.0'],
    ['another case', 'pkg:hub/ACME/ocr@1.0.0'],
    ['a look-alike', 'pkg:hub/асme/ocr@1.0.0'],
    ['another kind of package', 'pkg:npm/acme/ocr@1.0.0'],
    ['nothing', ''],
    ['white space at the end', 'pkg:hub/acme/ocr@1.0.0 '],
  ])('%s', async (_name, name) => {
    expect(await verdict((it) => (first(it).name = name))).toBe('SIGNATURE_SUBJECT_MISMATCH');
  });

  test('the refusal says what was expected and what was there', async () => {
    const bundle = signPayload(good.replace('acme/ocr@1.0.0', 'acme/ocr@6.6.6'), key, log);
    expect(() => verifyRelease(artifact, bundle, trust)).toThrow(
      'The bundle speaks of pkg:hub/acme/ocr@6.6.6, not of pkg:hub/acme/ocr@1.0.0',
    );
  });
});

describe('a statement of another form is refused', () => {
  const cases: readonly (readonly [string, (statement: Statement) => void])[] = [
    ['no subject', (it) => (it.subject = [])],
    [
      'two subjects',
      (it) => it.subject.push({ name: 'pkg:hub/core/screen@1.0.0', digest: first(it).digest }),
    ],
    ['the same subject twice', (it) => it.subject.push(first(it))],
    ['a name that is a list', (it) => (first(it).name = ['pkg:hub/acme/ocr@1.0.0'])],
    ['only a weak digest', (it) => (first(it).digest = { sha1: hexOf('sha1', artifact) })],
    ['only SHA-256', (it) => (first(it).digest = { sha256: hexOf('sha256', artifact) })],
    ['a second digest', (it) => (first(it).digest['sha1'] = hexOf('sha1', artifact))],
    ['no digest', (it) => (first(it).digest = {})],
    ['another predicate', (it) => (it.predicateType = 'https://slsa.dev/provenance/v1')],
    ['another statement type', (it) => (it._type = 'https://in-toto.io/Statement/v0.1')],
    ['no files', (it) => (it.predicate = { manifest: it.predicate.manifest, files: [] as never })],
    ['a file hash that is no text', (it) => (it.predicate.files['plugin.js'] = 1)],
    ['a field more', (it) => (it['more'] = true)],
    ['a field more in the predicate', (it) => (it.predicate['more'] = true)],
  ];

  test.each(cases)('%s', async (_name, change) => {
    expect(await verdict(change)).toBe('SIGNATURE_MALFORMED');
  });

  test.each([
    ['a key twice', '{"_type":1,"_type":2}'],
    ['__proto__ among the files', '{"predicate":{"files":{"__proto__":"00"}}}'],
    ['nested too deep', `${'['.repeat(200)}${']'.repeat(200)}`],
    ['a number', '1'],
    ['text that is no JSON', 'hello'],
  ])('%s', async (_name, payload) => {
    expect(verdictOf(artifact, signPayload(payload, key, log), trust)).toBe('SIGNATURE_MALFORMED');
  });
});

describe('bytes that are not the signed ones are refused', () => {
  test('another digest', async () => {
    const digest = { sha512: hexOf('sha512', Buffer.from('other')) };
    expect(await verdict((it) => (first(it).digest = digest))).toBe('ARTIFACT_DIGEST_MISMATCH');
  });

  test('a digest in upper case or cut short', async () => {
    const sha512 = hexOf('sha512', artifact);
    for (const other of [sha512.toUpperCase(), sha512.slice(0, 64), ''])
      expect(await verdict((it) => (first(it).digest = { sha512: other }))).toBe(
        'ARTIFACT_DIGEST_MISMATCH',
      );
  });

  test('the same files packed another way', async () => {
    const again = Uint8Array.from(artifact);
    again[9] = 3;
    expect([...readArtifact(again).files.keys()]).toEqual([...readArtifact(artifact).files.keys()]);
    expect(await verdict(() => undefined, again)).toBe('ARTIFACT_DIGEST_MISMATCH');
  });

  test('an artifact of the same id and version with other code', async () => {
    expect(await verdict(() => undefined, artifactWith(manifestFor(), 'evil()'))).toBe(
      'ARTIFACT_DIGEST_MISMATCH',
    );
  });

  test.each<[string, (files: Record<string, unknown>) => void]>([
    ['a file that is not there', (it) => (it['more.js'] = hexOf('sha256', Buffer.from('')))],
    ['a file that nobody signed', (it) => delete it['plugin.js']],
    ['another file', (it) => (it['plugin.js'] = hexOf('sha256', Buffer.from('evil()')))],
    ['a hash in upper case', (it) => (it['plugin.js'] = String(it['plugin.js']).toUpperCase())],
    ['a file named like a method of every object', (it) => (it['constructor'] = '00')],
  ])('%s', async (_name, change) => {
    expect(await verdict((it) => change(it.predicate.files))).toBe('ARTIFACT_FILE_MISMATCH');
  });

  test('a file of the artifact named like a method of every object', async () => {
    const files = new Map(readArtifact(artifact).files).set('constructor', Buffer.from('x'));
    const more = packArtifact(files);
    const sha512 = hexOf('sha512', more);
    expect(await verdict((it) => (first(it).digest = { sha512 }), more)).toBe(
      'ARTIFACT_FILE_MISMATCH',
    );
  });
});

describe('a manifest that is not the signed one is refused', () => {
  test.each<[string, Record<string, unknown>]>([
    [
      'asks for more',
      { permissions: [{ capability: 'screen.capture', target: '*', reason: 'r' }] },
    ],
    ['runs as a driver', { runtime: 'driver' }],
    ['has another title', { title: 'Bank' }],
    ['fits more hubs', { engine: '*' }],
  ])('when the artifact’s own %s', async (_name, more) => {
    const asking = artifactFor(more);
    const { files } = readArtifact(asking);
    const change = (it: Statement): void => {
      first(it).digest = { sha512: hexOf('sha512', asking) };
      it.predicate.files = Object.fromEntries(
        [...files].map(([path, bytes]) => [path, hexOf('sha256', bytes)]),
      );
    };
    expect(await verdict(change, asking)).toBe('ARTIFACT_MANIFEST_MISMATCH');
  });

  test('when there is none in the statement', async () => {
    expect(await verdict((it) => (it.predicate.manifest = null))).toBe(
      'ARTIFACT_MANIFEST_MISMATCH',
    );
  });
});

describe('a key the hub believes in no case', () => {
  const hint = 'acme-2026';
  const pairs: readonly (readonly [string, () => PublisherKey])[] = [
    [
      'RSA 1024',
      () => ({ hint, privateKey: generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey }),
    ],
    [
      'RSA 3072',
      () => ({ hint, privateKey: generateKeyPairSync('rsa', { modulusLength: 3072 }).privateKey }),
    ],
    [
      'P-384',
      () => ({
        hint,
        privateKey: generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).privateKey,
      }),
    ],
    [
      'secp256k1',
      () => ({
        hint,
        privateKey: generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey,
      }),
    ],
    ['Ed448', () => ({ hint, privateKey: generateKeyPairSync('ed448').privateKey })],
  ];

  test.each(pairs)('%s, though its signature holds', async (_name, make) => {
    const strange = make();
    expect(verdictOf(artifact, signPayload(good, strange, log), trustIn(strange, log))).toBe(
      'SIGNATURE_INVALID',
    );
  });

  test.each([['no key at all'], [''], ['AAAA']])('the text %j in place of a key', async (spki) => {
    const bundle = signPayload(good, key, log);
    expect(verdictOf(artifact, bundle, trustOf(hint, spki, log))).toBe('SIGNATURE_INVALID');
    expect(verdictOf(artifact, bundle, trustOf(hint, spkiOf(key.privateKey), log, spki))).toBe(
      'SIGNATURE_INVALID',
    );
  });

  test('a log key that is not Ed25519', () => {
    const spki = spkiOf(generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey);
    const bundle = signPayload(good, key, log);
    expect(verdictOf(artifact, bundle, trustOf(hint, spkiOf(key.privateKey), log, spki))).toBe(
      'SIGNATURE_INVALID',
    );
  });

  test.each([
    ['__proto__'],
    ['constructor'],
    ['toString'],
    ['ACME-2026'],
    ['acme-2026 '],
    ['acme-2026\0'],
    ['*'],
    ['аcme-2026'],
  ])('the hint %j, which the policy does not name', async (other) => {
    const bundle = signPayload(good, { ...key, hint: other }, log);
    expect(verdictOf(artifact, bundle, trust)).toBe('PUBLISHER_UNTRUSTED');
  });
});
