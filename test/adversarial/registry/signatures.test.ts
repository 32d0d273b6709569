import { sign, type KeyObject } from 'node:crypto';
import { packArtifact, readArtifact, type Release } from '@runtime-hub/plugin-sdk/artifact';
import { expect, test } from 'vitest';
import {
  artifactFor,
  artifactWith,
  keyOf,
  manifestFor,
  publisher,
  type Bundle,
} from '../../plugin-sdk/artifact/release-parts.ts';
import { RegistryScene, changed } from '../../support/registry-scene.ts';
import { playTries, type Try } from './tries.ts';

const scene = new RegistryScene();
const { acme, globex } = scene;
const artifact = artifactFor();
const good = await scene.release();

test('the release that these attacks are made from is admitted', () => {
  expect(scene.admit(good)).toMatchObject({ publisher: 'acme-2026', origin: scene.log.origin });
});

const withBundle = (change: (bundle: Bundle) => void) => (): unknown =>
  scene.admit({ ...good, bundle: changed(good.bundle, change) });
const admitting = (release: () => Release | Promise<Release>) => async (): Promise<unknown> =>
  scene.admit(await release());

playTries('a signature for other bytes', [
  {
    name: 'an artifact with one bit flipped',
    code: 'ARTIFACT_MALFORMED',
    rule: 'gzip',
    act: () => {
      const bytes = Buffer.from(artifact);
      bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
      return scene.admit({ ...good, artifact: bytes });
    },
  },
  {
    name: 'an artifact with one bit of its code flipped and packed again',
    code: 'ARTIFACT_DIGEST_MISMATCH',
    act: () => {
      const files = new Map(readArtifact(artifact).files);
      const code = Buffer.from(files.get('plugin.js') ?? []);
      code[0] = (code[0] ?? 0) ^ 1;
      return scene.admit({ ...good, artifact: packArtifact(files.set('plugin.js', code)) });
    },
  },
  {
    name: 'the bundle of another artifact of the same version',
    code: 'ARTIFACT_DIGEST_MISMATCH',
    act: admitting(async () => ({
      artifact,
      bundle: (await scene.release({ title: 'B' })).bundle,
    })),
  },
  {
    name: 'the bundle of another version',
    code: 'SIGNATURE_SUBJECT_MISMATCH',
    act: admitting(async () => ({
      artifact,
      bundle: (await scene.release({ version: '1.0.1' })).bundle,
    })),
  },
  {
    name: 'the bundle of another plugin of the same publisher',
    code: 'SIGNATURE_SUBJECT_MISMATCH',
    act: admitting(async () => ({
      artifact,
      bundle: (await scene.release({ id: 'acme/pdf' })).bundle,
    })),
  },
  {
    name: 'another payload under the same signature',
    code: 'SIGNATURE_INVALID',
    act: withBundle(({ dsseEnvelope }) => {
      const text = Buffer.from(dsseEnvelope.payload, 'base64').toString();
      dsseEnvelope.payload = Buffer.from(`${text} `).toString('base64');
    }),
  },
]);

const signedBy = (key: { hint: string; privateKey: KeyObject }, id = 'acme/ocr') =>
  admitting(async () => await scene.release({ id }, key));
const hints: readonly Try[] = [
  ['__proto__', 'PUBLISHER_UNTRUSTED'],
  ['constructor', 'PUBLISHER_UNTRUSTED'],
  ['', 'SIGNATURE_MALFORMED'],
  ['ACME-2026', 'PUBLISHER_UNTRUSTED'],
  ['acme-2026 ', 'PUBLISHER_UNTRUSTED'],
  ['acme-2026\0', 'PUBLISHER_UNTRUSTED'],
  ['аcme-2026', 'PUBLISHER_UNTRUSTED'],
].map(([hint = '', code]): Try => ({
  name: `the right signature under the hint ${JSON.stringify(hint)}`,
  // SAFETY: written just above.
  code: code as Try['code'],
  act: withBundle(({ verificationMaterial }) => (verificationMaterial.publicKey = { hint })),
}));

playTries('a key that may not sign this', [
  {
    name: 'a stranger’s key under a trusted hint',
    code: 'SIGNATURE_INVALID',
    act: signedBy(publisher('acme-2026')),
  },
  {
    name: 'a stranger’s key under a hint of its own',
    code: 'PUBLISHER_UNTRUSTED',
    act: signedBy(publisher('eve-2026')),
  },
  {
    name: 'a trusted publisher’s signature in another’s namespace',
    code: 'PUBLISHER_UNTRUSTED',
    act: signedBy(globex),
  },
  {
    name: 'a trusted publisher’s signature under its victim’s hint',
    code: 'SIGNATURE_INVALID',
    act: signedBy({ ...globex, hint: acme.hint }),
  },
  ...hints,
  {
    name: 'a namespace that only begins like a trusted one',
    code: 'POLICY_ORIGIN_REFUSED',
    act: signedBy(acme, 'acme-labs/ocr'),
  },
  {
    name: 'a namespace with a digit that looks like its letter',
    code: 'POLICY_ORIGIN_REFUSED',
    act: signedBy(acme, 'acrne/ocr'),
  },
  {
    name: 'the namespace __proto__',
    code: 'MANIFEST_INVALID',
    act: () => {
      const odd = artifactWith(manifestFor({ id: '__proto__/ocr' }));
      return scene.admit({ ...good, artifact: odd });
    },
  },
  {
    name: 'a namespace in another alphabet',
    code: 'MANIFEST_INVALID',
    act: () => {
      const odd = artifactWith(manifestFor({ id: 'аcme/ocr' }));
      return scene.admit({ ...good, artifact: odd });
    },
  },
]);

const certificate = { rawBytes: Buffer.from('no certificate').toString('base64') };
playTries('a bundle of another form', [
  {
    name: 'a second way to sign beside the first',
    code: 'SIGNATURE_MALFORMED',
    act: withBundle((it) => {
      it['messageSignature'] = {
        messageDigest: { algorithm: 'SHA2_256', digest: 'AAAA' },
        signature: sign(null, artifact, keyOf('ed25519')).toString('base64'),
      };
    }),
  },
  {
    name: 'another payload type',
    code: 'SIGNATURE_MALFORMED',
    act: withBundle((it) => (it.dsseEnvelope.payloadType = 'application/json')),
  },
  {
    name: 'two signatures, one of them good',
    code: 'SIGNATURE_MALFORMED',
    act: withBundle(({ dsseEnvelope }) => dsseEnvelope.signatures.push({ sig: 'AAAA' })),
  },
  {
    name: 'no signature',
    code: 'SIGNATURE_MALFORMED',
    act: withBundle(({ dsseEnvelope }) => (dsseEnvelope.signatures = [])),
  },
  {
    name: 'a self-made certificate in place of the key',
    code: 'PUBLISHER_UNTRUSTED',
    act: withBundle(({ verificationMaterial }) => {
      delete verificationMaterial.publicKey;
      verificationMaterial['certificate'] = certificate;
    }),
  },
  {
    name: 'a certificate beside the key',
    code: 'SIGNATURE_MALFORMED',
    act: withBundle(
      ({ verificationMaterial }) => (verificationMaterial['certificate'] = certificate),
    ),
  },
  {
    name: 'a media type whose proof may be left out',
    code: 'SIGNATURE_MALFORMED',
    act: withBundle(
      (it) => (it.mediaType = 'application/vnd.dev.sigstore.bundle+json;version=0.1'),
    ),
  },
  {
    name: 'a media type nobody knows',
    code: 'SIGNATURE_MALFORMED',
    act: withBundle((it) => (it.mediaType = 'application/vnd.dev.sigstore.bundle.v9.9+json')),
  },
  {
    name: 'the word of a clock that nobody trusts',
    code: 'SIGNATURE_MALFORMED',
    act: withBundle(({ verificationMaterial }) => {
      verificationMaterial['timestampVerificationData'] = {
        rfc3161Timestamps: [{ signedTimestamp: 'AAAA' }],
      };
    }),
  },
  ...[
    ['text that is no JSON', '<html>'],
    ['null', 'null'],
    ['a list', '[]'],
    ['the artifact itself', Buffer.from(artifact).toString('latin1')],
    ['a bundle over 1 MB', good.bundle.replace('{', `{${' '.repeat(1024 * 1024)}`)],
    ['a bundle that says a key twice', good.bundle.replace('{', '{"mediaType":"x",')],
    ['a bundle with a key __proto__', good.bundle.replace('{', '{"__proto__":{},')],
    ['a bundle nested without end', `${'['.repeat(5000)}${']'.repeat(5000)}`],
  ].map(([name = '', bundle = '']): Try => ({
    name,
    code: 'SIGNATURE_MALFORMED',
    act: () => scene.admit({ artifact, bundle }),
  })),
]);
