import { sign } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { verifyRelease, type ReleaseTrust } from '@runtime-hub/plugin-sdk/artifact';
import {
  artifactFor,
  logAt,
  publisher,
  signRelease,
  trustIn,
  verdictOf,
  type Bundle,
} from './release-parts.ts';

const artifact = artifactFor();
const key = publisher();
const log = logAt();
const trust = trustIn(key, log);
let text = '';
let other = '';
beforeAll(async () => {
  await signRelease(artifactFor({ version: '0.9.0' }), key, log);
  other = await signRelease(artifactFor({ version: '2.0.0' }), key, log);
  text = await signRelease(artifact, key, log);
});

/** The good bundle with one change. */
function changed(change: (bundle: Bundle) => void): string {
  // SAFETY: signRelease made it.
  const bundle = JSON.parse(text) as Bundle;
  change(bundle);
  return JSON.stringify(bundle);
}

const verdict = (bundle: string, of: ReleaseTrust = trust): string =>
  verdictOf(artifact, bundle, of);
const entryOf = (bundle: Bundle): Bundle['verificationMaterial']['tlogEntries'][number] => {
  const [entry] = bundle.verificationMaterial.tlogEntries;
  if (entry === undefined) throw new Error('The bundle has no log entry.');
  return entry;
};
const signatureOf = (bundle: Bundle): { sig: string; keyid?: string } => {
  const [signature] = bundle.dsseEnvelope.signatures;
  if (signature === undefined) throw new Error('The bundle has no signature.');
  return signature;
};
/** Another character at this place of base64 text. */
const flip = (base64: string, at = 8): string =>
  `${base64.slice(0, at)}${base64[at] === 'A' ? 'B' : 'A'}${base64.slice(at + 1)}`;
// SAFETY: signRelease made it.
const parsedOther = (): Bundle => JSON.parse(other) as Bundle;

describe('what was signed is verified', () => {
  test.each([['ed25519' as const], ['p256' as const]])(
    'with a key of %s, at every place of the log',
    async (alg) => {
      const mine = publisher('mine', alg);
      const fresh = logAt();
      for (let index = 0; index < 9; index++) {
        const bundle = await signRelease(artifact, mine, fresh);
        const release = verifyRelease(artifact, bundle, trustIn(mine, fresh));
        expect(release.publisher).toBe('mine');
        expect(release.manifest.id).toBe('acme/ocr');
        expect([...release.files.keys()]).toEqual(['manifest.json', 'plugin.js']);
      }
    },
  );

  test('and nothing in it depends on the order of its keys', () => {
    const reversed = changed((bundle) => {
      const { mediaType, verificationMaterial, dsseEnvelope } = bundle;
      for (const name of Object.keys(bundle)) delete bundle[name];
      Object.assign(bundle, { dsseEnvelope, verificationMaterial, mediaType });
    });
    expect(verdict(reversed)).toBe('accepted');
  });

  test('the keyid of the signature, which nobody signed, decides nothing', () => {
    expect(verdict(changed((it) => (signatureOf(it).keyid = 'core-2026')))).toBe('accepted');
  });
});

describe('a bundle of another form is refused', () => {
  const cases: readonly (readonly [string, (bundle: Bundle) => void])[] = [
    [
      'another media type',
      (it) => (it.mediaType = 'application/vnd.dev.sigstore.bundle+json;version=0.1'),
    ],
    [
      'a later media type',
      (it) => (it.mediaType = 'application/vnd.dev.sigstore.bundle.v9.9+json'),
    ],
    ['no media type', (it) => delete it.mediaType],
    ['another payload type', (it) => (it.dsseEnvelope.payloadType = 'text/plain')],
    ['no payload type', (it) => delete it.dsseEnvelope.payloadType],
    ['no signature', (it) => (it.dsseEnvelope.signatures = [])],
    ['a second signature', (it) => it.dsseEnvelope.signatures.push(signatureOf(it))],
    ['an empty signature', (it) => (signatureOf(it).sig = '')],
    ['a signature that is no base64', (it) => (signatureOf(it).sig = '!')],
    ['no hint', (it) => delete it.verificationMaterial.publicKey?.hint],
    ['an empty hint', (it) => (it.verificationMaterial.publicKey = { hint: '' })],
    [
      'a hint that is no text',
      (it) => (it.verificationMaterial.publicKey = { hint: ['acme-2026'] }),
    ],
    [
      'a hint of 201 characters',
      (it) => (it.verificationMaterial.publicKey = { hint: 'k'.repeat(201) }),
    ],
    ['no key', (it) => delete it.verificationMaterial.publicKey],
    [
      'a certificate beside the key',
      (it) => (it.verificationMaterial['certificate'] = { rawBytes: 'AAAA' }),
    ],
    [
      'a message signature beside the envelope',
      (it) => (it['messageSignature'] = { signature: 'AAAA' }),
    ],
    ['no log entry', (it) => (it.verificationMaterial.tlogEntries = [])],
    ['the log entry twice', (it) => it.verificationMaterial.tlogEntries.push(entryOf(it))],
    [
      'a timestamp of an authority',
      (it) =>
        (it.verificationMaterial['timestampVerificationData'] = {
          rfc3161Timestamps: [{ signedTimestamp: 'AAAA' }],
        }),
    ],
    ['a log entry without promise', (it) => delete entryOf(it).inclusionPromise],
    ['a log entry of another kind', (it) => (entryOf(it).kindVersion.kind = 'hashedrekord')],
    ['a log entry of another version', (it) => (entryOf(it).kindVersion.version = '0.0.2')],
    ['an index that is no count', (it) => (entryOf(it).logIndex = '-1')],
    ['a time that is no count', (it) => (entryOf(it).integratedTime = '1e9')],
    ['a proof for another size', (it) => (entryOf(it).inclusionProof.treeSize = '4')],
    [
      'a proof for another root',
      (it) => (entryOf(it).inclusionProof.rootHash = flip(entryOf(it).inclusionProof.rootHash)),
    ],
    ['a proof for another index', (it) => (entryOf(it).inclusionProof.logIndex = '1')],
    ['an entry without its index', (it) => delete entryOf(it).logIndex],
    ['one field more', (it) => (it['more'] = 1)],
    [
      'a payload that is no JSON',
      (it) => (it.dsseEnvelope.payload = Buffer.from('{').toString('base64')),
    ],
    ['no payload', (it) => (it.dsseEnvelope.payload = '')],
  ];

  test.each(cases)('%s', (_name, change) => {
    expect(verdict(changed(change))).toBe('SIGNATURE_MALFORMED');
  });

  test.each([
    ['nothing', ''],
    ['null', 'null'],
    ['a list', '[]'],
    ['an empty object', '{}'],
    ['nesting without end', '['.repeat(100_000)],
    ['deep nesting', `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
    ['over 1 MB', JSON.stringify('x'.repeat(1024 * 1024))],
  ])('%s', (_name, bundle) => {
    expect(verdict(bundle)).toBe('SIGNATURE_MALFORMED');
  });

  test('a key twice, whichever of the two is the good one', () => {
    const twice = text.replace('{"mediaType":', '{"mediaType":"x","mediaType"\t\t:');
    expect(verdict(twice)).toBe('SIGNATURE_MALFORMED');
    expect(verdict(text.replace('{"mediaType":', '{"__proto__":{},"mediaType":'))).toBe(
      'SIGNATURE_MALFORMED',
    );
  });
});

test('a certificate in place of the key, where the policy names no such identity, is refused', () => {
  const bundle = changed((it) => {
    delete it.verificationMaterial.publicKey;
    it.verificationMaterial['certificate'] = { rawBytes: 'AAAA' };
  });
  expect(verdict(bundle)).toBe('PUBLISHER_UNTRUSTED');
});

describe('a signature, proof or promise that does not hold is refused', () => {
  const cases: readonly (readonly [string, (bundle: Bundle) => void])[] = [
    ['a changed signature', (it) => (signatureOf(it).sig = flip(signatureOf(it).sig))],
    ['a signature cut short', (it) => (signatureOf(it).sig = signatureOf(it).sig.slice(0, 40))],
    [
      'the signature of another release',
      (it) => (signatureOf(it).sig = signatureOf(parsedOther()).sig),
    ],
    [
      'the log entry of another release',
      (it) =>
        (it.verificationMaterial.tlogEntries = parsedOther().verificationMaterial.tlogEntries),
    ],
    [
      'a changed log body',
      (it) => (entryOf(it).canonicalizedBody = flip(entryOf(it).canonicalizedBody)),
    ],
    [
      'the log body of another release',
      (it) => (entryOf(it).canonicalizedBody = entryOf(parsedOther()).canonicalizedBody),
    ],
    ['a log body that is no JSON', (it) => (entryOf(it).canonicalizedBody = 'AAAA')],
    ['an earlier time', (it) => (entryOf(it).integratedTime = '1700000000')],
    ['a later time', (it) => (entryOf(it).integratedTime = '4000000000')],
    ['no time at all', (it) => (entryOf(it).integratedTime = '0')],
    ['a time before the log’s key', (it) => (entryOf(it).integratedTime = '1')],
    ['another log', (it) => (entryOf(it).logId.keyId = flip(entryOf(it).logId.keyId))],
    [
      'a changed promise',
      (it) => (entryOf(it).inclusionPromise = { signedEntryTimestamp: 'AAAA' }),
    ],
    [
      'a changed hash of the proof',
      (it) =>
        (entryOf(it).inclusionProof.hashes = entryOf(it).inclusionProof.hashes.map((hash) =>
          flip(hash),
        )),
    ],
    ['a proof without hashes', (it) => (entryOf(it).inclusionProof.hashes = [])],
    [
      'a proof with a hash too many',
      (it) => entryOf(it).inclusionProof.hashes.push(entryOf(it).inclusionProof.rootHash),
    ],
  ];

  test.each(cases)('%s', (_name, change) => {
    expect(verdict(changed(change))).toBe('SIGNATURE_INVALID');
  });

  const checkpoints: readonly (readonly [string, (envelope: string) => string])[] = [
    ['a changed signature', (it) => flip(it, it.length - 12)],
    ['another origin', (it) => it.replaceAll('log.acme.example', 'log.evil.example')],
    [
      'another origin in the note alone',
      (it) => it.replace('log.acme.example', 'log.evil.example'),
    ],
    ['an extension line nobody signed', (it) => it.replace('\n\n', '\nmore\n\n')],
    ['no signature', (it) => it.slice(0, it.indexOf('—'))],
    ['a signature of four bytes', (it) => it.replace(/ \S+\n$/u, ' AAAAAA==\n')],
  ];

  test.each(checkpoints)('a checkpoint with %s', (_name, change) => {
    const bundle = changed((it) => {
      const { checkpoint } = entryOf(it).inclusionProof;
      checkpoint.envelope = change(checkpoint.envelope);
    });
    expect(verdict(bundle)).toBe('SIGNATURE_INVALID');
  });

  test('a checkpoint and proof that a foreign key of the same origin signed', () => {
    const foreign = logAt(log.origin);
    const bundle = changed((it) => {
      const proof = entryOf(it).inclusionProof;
      const [note = ''] = proof.checkpoint.envelope.split('\n\n');
      const keyId = Buffer.from(entryOf(it).logId.keyId, 'base64').subarray(0, 4);
      const signature = Buffer.concat([
        keyId,
        sign(null, Buffer.from(`${note}\n`), foreign.privateKey),
      ]);
      proof.checkpoint.envelope = `${note}\n\n— ${log.origin} ${signature.toString('base64')}\n`;
    });
    expect(verdict(bundle)).toBe('SIGNATURE_INVALID');
  });

  test('a whole receipt of a rogue log of the same name', async () => {
    expect(verdict(await signRelease(artifact, key, logAt(log.origin)))).toBe('SIGNATURE_INVALID');
  });

  test('a whole receipt of the right key under another name', async () => {
    const renamed = logAt('other.example', log.privateKey);
    expect(verdict(await signRelease(artifact, key, renamed))).toBe('SIGNATURE_INVALID');
  });

  test('another key under a trusted hint', async () => {
    const thief = publisher(key.hint);
    expect(verdict(await signRelease(artifact, thief, log))).toBe('SIGNATURE_INVALID');
    expect(verdict(text, trustIn(thief, log))).toBe('SIGNATURE_INVALID');
  });
});
