import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto';
import {
  parseTrustPolicy,
  readArtifact,
  signAttestation,
  spkiOf,
  type Judgement,
  type Release,
} from '@runtime-hub/plugin-sdk/artifact';
import {
  artifactFor,
  manifestFor,
  statementOf,
  type Bundle,
} from '../../plugin-sdk/artifact/release-parts.ts';
import { RegistryScene } from '../../support/registry-scene.ts';
import { playTries, type Try } from './tries.ts';

const scene = new RegistryScene();
const { acme } = scene;
const artifact = artifactFor();

const admitting = (release: () => Release | Promise<Release>) => async (): Promise<unknown> =>
  scene.admit(await release());

/** The true statement with something changed, truly signed by the publisher and logged. */
function stating(change: (statement: Statement) => void): () => unknown {
  return () => {
    // SAFETY: the statement of our own.
    const statement = JSON.parse(statementOf(artifact, manifestFor())) as Statement;
    change(statement);
    return scene.admit({ artifact, bundle: scene.taken(JSON.stringify(statement)) });
  };
}
interface Statement {
  subject: { name: string; digest: Record<string, string> }[];
  predicateType: string;
  predicate: { manifest: unknown; files: Record<string, string> };
  [more: string]: unknown;
}
const onSubject = (change: (subject: Statement['subject'][number]) => void) =>
  stating(({ subject: [subject] }) => {
    if (subject !== undefined) change(subject);
  });
const hashOf = (algorithm: string): string => createHash(algorithm).update(artifact).digest('hex');

playTries('a statement about something else, truly signed', [
  {
    name: 'a statement that lists one file less than there is',
    code: 'ARTIFACT_FILE_MISMATCH',
    act: stating(({ predicate }) => delete predicate.files['plugin.js']),
  },
  {
    name: 'a statement that lists a file that is not there',
    code: 'ARTIFACT_FILE_MISMATCH',
    act: stating(({ predicate }) => (predicate.files['more.js'] = '0'.repeat(64))),
  },
  {
    name: 'a statement with another hash of a file',
    code: 'ARTIFACT_FILE_MISMATCH',
    act: stating(({ predicate }) => (predicate.files['plugin.js'] = '0'.repeat(64))),
  },

  {
    name: 'an approval in place of a release',
    code: 'SIGNATURE_MALFORMED',
    act: admitting(async () => {
      const judgement: Judgement = { verdict: 'approved', by: 'ann', reason: '', findings: [] };
      const subject = { id: 'acme/ocr', version: '1.0.0', digest: readArtifact(artifact).digest };
      const approval = await signAttestation('org-approval', subject, judgement, acme);
      // SAFETY: our own signer made it.
      const { payload } = (JSON.parse(approval) as Bundle).dsseEnvelope;
      return { artifact, bundle: scene.taken(Buffer.from(payload, 'base64')) };
    }),
  },
  {
    name: 'another type of predicate',
    code: 'SIGNATURE_MALFORMED',
    act: stating((it) => (it.predicateType = 'https://slsa.dev/provenance/v1')),
  },
  {
    name: 'no subject',
    code: 'SIGNATURE_MALFORMED',
    act: stating((it) => (it.subject = [])),
  },
  {
    name: 'two subjects, one of them right',
    code: 'SIGNATURE_MALFORMED',
    act: stating((it) => it.subject.push({ name: 'other', digest: { sha512: '' } })),
  },
  {
    name: 'a subject by its SHA-256 alone',
    code: 'SIGNATURE_MALFORMED',
    act: onSubject((it) => (it.digest = { sha256: hashOf('sha256') })),
  },
  {
    name: 'a subject by its MD5 alone',
    code: 'SIGNATURE_MALFORMED',
    act: onSubject((it) => (it.digest = { md5: hashOf('md5') })),
  },
  {
    name: 'a weak digest beside the strong one',
    code: 'SIGNATURE_MALFORMED',
    act: onSubject((it) => (it.digest['md5'] = hashOf('md5'))),
  },
  {
    name: 'a digest in upper case',
    code: 'ARTIFACT_DIGEST_MISMATCH',
    act: onSubject((it) => (it.digest = { sha512: hashOf('sha512').toUpperCase() })),
  },
  {
    name: 'a package URL of another kind',
    code: 'SIGNATURE_SUBJECT_MISMATCH',
    act: onSubject((it) => (it.name = it.name.replace('pkg:hub/', 'pkg:npm/'))),
  },
  {
    name: 'a payload that says a key twice',
    code: 'SIGNATURE_MALFORMED',
    act: () => {
      const text = statementOf(artifact, manifestFor()).replace('{', '{"_type":"x",');
      return scene.admit({ artifact, bundle: scene.taken(text) });
    },
  },
]);

const weak: readonly (readonly [name: string, key: () => KeyObject])[] = [
  [
    'an RSA key of 1,024 bits',
    () => generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey,
  ],
  ['a P-384 key', () => generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey],
  ['a secp256k1 key', () => generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey],
];
playTries('a key that is believed in no case', [
  ...weak.map(([name, make]): Try => ({
    name: `${name} in a keyring`,
    code: 'PUBLISHER_KEY_UNENDORSED',
    act: async () => {
      const other = new RegistryScene();
      const key = { hint: 'weak', privateKey: make() };
      other.addKey('acme', key, { signers: [other.acme] });
      return other.admit(await other.release());
    },
  })),
  ...weak.map(([name, make]): Try => ({
    name: `${name} in a trust policy`,
    code: 'HUB_REQUEST_INVALID',
    act: () => {
      const spki = spkiOf({ privateKey: make() });
      return parseTrustPolicy({ ...scene.policy, keys: { weak: { spki, alg: 'p256' } } });
    },
  })),
]);
