import { createHash, createPublicKey } from 'node:crypto';
import { bundleFromJSON } from '@sigstore/bundle';
import { TrustedRoot } from '@sigstore/protobuf-specs';
import { Verifier, toSignedEntity, toTrustMaterial } from '@sigstore/verify';
import { describe, expect, test } from 'vitest';
import {
  eventLeaf,
  logBundle,
  mergeReceipt,
  parseBundle,
  publicationLeaf,
  rootAt,
  signArtifact,
  signCheckpoint,
  spkiOf,
  verifyRelease,
  verifyUnlogged,
  withoutReceipts,
  type TrustedOrigin,
} from '@runtime-hub/plugin-sdk/artifact';
import { logId, signNote } from '../../../plugin-sdk/artifact/log/note.ts';
import { RegistryLog } from './registry-log.ts';
import { artifactFor, keyOf, logAt, publisher, verdictOf } from './release-parts.ts';
import { refusalOf } from './tar-parts.ts';

const key = publisher();
const artifact = artifactFor();

/** What somebody does who has only the published specifications and the stock packages: C2SP key id, Sigstore trusted root. */
function stockVerify(
  bundle: string,
  log: RegistryLog,
  publicKey = createPublicKey(key.privateKey),
): void {
  const spki = createPublicKey(log.privateKey).export({ type: 'spki', format: 'der' });
  const keyId = createHash('sha256')
    .update(`${log.origin}\n\u0001`)
    .update(spki.subarray(-32))
    .digest('base64');
  const root = TrustedRoot.fromJSON({
    mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    tlogs: [
      {
        baseUrl: `https://${log.origin}`,
        hashAlgorithm: 'SHA2_256',
        publicKey: {
          rawBytes: spki.toString('base64'),
          keyDetails: 'PKIX_ED25519',
          validFor: { start: '2020-01-01T00:00:00Z' },
        },
        logId: { keyId },
      },
    ],
  });
  const trust = toTrustMaterial(root, () => ({ publicKey, validFor: () => true }));
  new Verifier(trust).verify(toSignedEntity(bundleFromJSON(JSON.parse(bundle))));
}

describe('a registry’s merged bundle', () => {
  test('passes the stock Sigstore verifier with its default thresholds, in trees of each size up to 20', async () => {
    const bundle = await signArtifact(artifact, key);
    for (let size = 1; size <= 20; size++) {
      const log = new RegistryLog();
      for (let at = 0; at < size; at++) log.append(publicationLeaf(bundle, spkiOf(key)));
      for (let index = 0; index < size; index++)
        expect(() => stockVerify(mergeReceipt(bundle, log.receipt(index)), log)).not.toThrow();
    }
  });

  test.each(['ed25519', 'p256'] as const)(
    'passes it with an %s key, and with what the log says besides',
    async (alg) => {
      const log = new RegistryLog();
      const mine = publisher('mine', alg);
      log.append(
        eventLeaf({
          event: 'published',
          plugin: 'x/y',
          version: '1.0.0',
          digest: `sha512-${'0'.repeat(128)}`,
          publisher: 'x',
          at: 1,
        }),
      );
      const bundle = await log.publish(artifact, mine);
      expect(() => stockVerify(bundle, log, createPublicKey(mine.privateKey))).not.toThrow();
      expect(
        verifyRelease(artifact, bundle, { originsFor: () => [log.trusting([mine])] }),
      ).toMatchObject({
        publisher: 'mine',
        origin: log.origin,
        logIndex: 1,
        loggedAt: log.at,
      });
    },
  );

  test('fails it with another log’s key, another publisher’s key, or another receipt', async () => {
    const log = new RegistryLog();
    const bundle = await log.publish(artifact, key);
    const other = await log.publish(artifactFor({ version: '2.0.0' }), key);
    expect(() => stockVerify(bundle, new RegistryLog())).toThrow();
    expect(() => stockVerify(bundle, log, createPublicKey(keyOf('ed25519')))).toThrow();
    expect(other).not.toBe(bundle);
    expect(() => stockVerify(mergeReceipt(bundle, log.receipt(1)), log)).toThrow();
  });

  test('of a publisher whose own receipts are of other logs carries the registry’s alone', async () => {
    const log = new RegistryLog();
    const bare = await signArtifact(artifact, key);
    const foreign = logBundle(bare, spkiOf(key), logAt('rekor.example'));
    expect(withoutReceipts(foreign)).toBe(withoutReceipts(bare));
    const index = log.append(publicationLeaf(withoutReceipts(foreign), spkiOf(key)));
    const merged = mergeReceipt(foreign, log.receipt(index));
    expect(() => stockVerify(merged, log)).not.toThrow();
    expect(parseBundle(merged).receipt?.logId).toEqual(log.receipt(index).logId);
  });
});

test('receipts of any other form, such as Rekor’s and a clock’s, are passed over as well', async () => {
  const log = new RegistryLog();
  const bare = await signArtifact(artifact, key);
  // SAFETY: signArtifact made it.
  const bundle = JSON.parse(bare) as { verificationMaterial: Record<string, unknown> };
  Object.assign(bundle.verificationMaterial, {
    tlogEntries: [{ logIndex: '7', kindVersion: { kind: 'intoto', version: '0.0.2' } }, {}],
    timestampVerificationData: { rfc3161Timestamps: [{ signedTimestamp: 'AAAA' }] },
  });
  const text = JSON.stringify(bundle);
  const keys = new Map([[key.hint, { spki: spkiOf(key) }]]);
  expect(publicationLeaf(text, spkiOf(key))).toEqual(publicationLeaf(bare, spkiOf(key)));
  expect(verifyUnlogged(artifact, text, { keys }).publisher).toBe(key.hint);
  const merged = mergeReceipt(text, log.receipt(log.append(publicationLeaf(text, spkiOf(key)))));
  expect(() => stockVerify(merged, log)).not.toThrow();
});

describe('a bundle without receipt', () => {
  test('is what a publisher sends: signed, but no release yet', async () => {
    const bundle = await signArtifact(artifact, key);
    expect(parseBundle(bundle).receipt).toBeNull();
    expect(
      verdictOf(artifact, bundle, { originsFor: () => [new RegistryLog().trusting([key])] }),
    ).toBe('SIGNATURE_MALFORMED');
  });

  test('is verified before it is logged, as strictly as after', async () => {
    const bundle = await signArtifact(artifact, key);
    const keys = new Map([[key.hint, { spki: spkiOf(key) }]]);
    const check = (packed = artifact, text = bundle, known = keys) =>
      refusalOf(() => verifyUnlogged(packed, text, { keys: known }));
    expect(verifyUnlogged(artifact, bundle, { keys })).toMatchObject({
      publisher: key.hint,
      manifest: { id: 'acme/ocr' },
    });
    expect(check(artifactFor({ version: '2.0.0' }))).toBe('SIGNATURE_SUBJECT_MISMATCH');
    expect(check(artifactFor({ title: 'Other' }))).toBe('ARTIFACT_DIGEST_MISMATCH');
    expect(check(artifact, await signArtifact(artifact, publisher('stranger')))).toBe(
      'PUBLISHER_UNTRUSTED',
    );
    expect(check(artifact, await signArtifact(artifact, publisher(key.hint)))).toBe(
      'SIGNATURE_INVALID',
    );
    expect(check(artifact, '{}')).toBe('SIGNATURE_MALFORMED');
    expect(check(artifact, bundle, new Map())).toBe('PUBLISHER_UNTRUSTED');
  });
});

describe('a key holds for the releases of its time', () => {
  const bounded = async (bounds: Parameters<RegistryLog['trusting']>[1]) => {
    const log = new RegistryLog();
    for (let at = 0; at < 3; at++) log.append(Buffer.from(`earlier ${String(at)}`));
    const bundle = await log.publish(artifact, key);
    return verdictOf(artifact, bundle, { originsFor: () => [log.trusting([key], bounds)] });
  };
  const { at } = new RegistryLog();
  test.each([
    ['without bounds', {}, 'accepted'],
    ['added with this very leaf', { addedAtLogIndex: 3 }, 'accepted'],
    ['added later', { addedAtLogIndex: 4 }, 'PUBLISHER_KEY_NOT_YET_VALID'],
    ['revoked later', { revokedAtLogIndex: 4 }, 'accepted'],
    ['revoked with this very leaf', { revokedAtLogIndex: 3 }, 'PUBLISHER_KEY_REVOKED'],
    ['revoked before', { revokedAtLogIndex: 0 }, 'PUBLISHER_KEY_REVOKED'],
    ['that ends at this time', { notAfter: at }, 'accepted'],
    ['that ended before', { notAfter: at - 1 }, 'PUBLISHER_KEY_EXPIRED'],
    ['that begins at this time', { notBefore: at }, 'accepted'],
    ['that begins later', { notBefore: at + 1000 }, 'PUBLISHER_KEY_NOT_YET_VALID'],
    [
      'that ended, and was revoked besides',
      { notAfter: 1, revokedAtLogIndex: 2 },
      'PUBLISHER_KEY_REVOKED',
    ],
  ])('a key %s', async (_name, bounds, outcome) => {
    expect(await bounded(bounds)).toBe(outcome);
  });

  test('and a thief who dates a receipt back changes what the log signed', async () => {
    const log = new RegistryLog();
    const bundle = await log.publish(artifact, key);
    const earlier = bundle.replaceAll(
      `"integratedTime":"${String(log.at / 1000)}"`,
      '"integratedTime":"1600000000"',
    );
    expect(earlier).not.toBe(bundle);
    expect(
      verdictOf(artifact, earlier, {
        originsFor: () => [log.trusting([key], { notAfter: log.at - 1 })],
      }),
    ).toBe('SIGNATURE_INVALID');
  });
});

describe('a plugin comes from the origins that are trusted for it', () => {
  const one = new RegistryLog('one.example');
  const two = new RegistryLog('two.example');
  const at = (...origins: readonly TrustedOrigin[]) => ({ originsFor: () => origins });

  test('each with its own keys and its own log', async () => {
    const [mine, theirs] = [publisher('mine'), publisher('theirs')];
    const trust = at(one.trusting([mine]), two.trusting([theirs]));
    expect(verifyRelease(artifact, await one.publish(artifact, mine), trust).origin).toBe(
      'one.example',
    );
    expect(verifyRelease(artifact, await two.publish(artifact, theirs), trust).origin).toBe(
      'two.example',
    );
    expect(verdictOf(artifact, await one.publish(artifact, theirs), trust)).toBe(
      'PUBLISHER_UNTRUSTED',
    );
    expect(verdictOf(artifact, await two.publish(artifact, mine), trust)).toBe(
      'PUBLISHER_UNTRUSTED',
    );
  });

  test('and from no other, whoever signed', async () => {
    const bundle = await two.publish(artifact, key);
    expect(verdictOf(artifact, bundle, at(one.trusting([key])))).toBe('SIGNATURE_INVALID');
    expect(verdictOf(artifact, bundle, at(one.trusting([])))).toBe('PUBLISHER_UNTRUSTED');
    expect(verdictOf(artifact, bundle, at())).toBe('PUBLISHER_UNTRUSTED');
  });

  test('also when a dishonest log signs a checkpoint in the name of another', async () => {
    const bundle = await one.publish(artifact, key);
    const index = one.tree.size - 1;
    const head = { size: index + 1, root: rootAt(one.tree, index + 1), at: one.at };
    const inTwo = signCheckpoint(head, { origin: two.origin, privateKey: one.privateKey });
    const [text = ''] = inTwo.split('\n\n');
    const id = logId({ origin: one.origin, publicKey: createPublicKey(one.privateKey) });
    const note = signNote(`${text}\n`, one, id);
    const receipt = one.receipt(index);
    const proof = { ...receipt.inclusionProof, checkpoint: { envelope: note } };
    const lying = mergeReceipt(bundle, { ...receipt, inclusionProof: proof });
    expect(() => stockVerify(lying, one)).not.toThrow();
    expect(verdictOf(artifact, lying, at(one.trusting([key]), two.trusting([key])))).toBe(
      'SIGNATURE_INVALID',
    );
  });

  test('so that a revocation in one log says nothing of another', async () => {
    const trust = at(one.trusting([key], { revokedAtLogIndex: 0 }), two.trusting([key]));
    expect(verdictOf(artifact, await two.publish(artifact, key), trust)).toBe('accepted');
    expect(verdictOf(artifact, await one.publish(artifact, key), trust)).toBe(
      'PUBLISHER_KEY_REVOKED',
    );
  });
});

describe('a log that says in words something else than the release is refused', () => {
  test.each([
    ['another plugin', { plugin: 'acme/other' }],
    ['another version', { version: '6.6.6' }],
    ['another digest', { digest: `sha512-${'0'.repeat(128)}` }],
    ['another publisher', { publisher: 'somebody' }],
    ['a hash that is none', { plugin: 'sha256:beef' }],
    ['another time', { at: 5 }],
  ])('%s', async (_name, more) => {
    const log = new RegistryLog();
    const bundle = await log.publish(artifact, key, more);
    expect(verdictOf(artifact, bundle, { originsFor: () => [log.trusting([key])] })).toBe(
      'LOG_LEAF_MISMATCH',
    );
  });

  test('a change of state in place of a publication', async () => {
    const log = new RegistryLog();
    const bundle = await signArtifact(artifact, key);
    const digest = `sha512-${'0'.repeat(128)}`;
    const event = {
      event: 'state',
      plugin: 'acme/ocr',
      version: '1.0.0',
      digest,
      from: 'staged',
      to: 'active',
      actor: 'a',
      reason: 'b',
      at: 1,
    } as const;
    const index = log.append(publicationLeaf(bundle, spkiOf(key), event));
    const merged = mergeReceipt(bundle, log.receipt(index));
    expect(verdictOf(artifact, merged, { originsFor: () => [log.trusting([key])] })).toBe(
      'LOG_LEAF_MISMATCH',
    );
  });

  test('a salted name is believed of a private plugin only, when the hub knows which are', async () => {
    const [log, name] = [new RegistryLog(), `sha256:${'a'.repeat(64)}`];
    const hidden = await log.publish(artifact, key, { plugin: name });
    const open = await log.publish(artifact, key);
    const verdict = (bundle: string, loggedAs?: string) => {
      const origin = { ...log.trusting([key]), ...(loggedAs === undefined ? {} : { loggedAs }) };
      return verdictOf(artifact, bundle, { originsFor: () => [origin] });
    };
    expect(verdict(hidden)).toBe('accepted');
    expect(verdict(hidden, name)).toBe('accepted');
    expect(verdict(hidden, 'acme/ocr')).toBe('LOG_LEAF_MISMATCH');
    expect(verdict(open, 'acme/ocr')).toBe('accepted');
    expect(verdict(open, name)).toBe('LOG_LEAF_MISMATCH');
  });
});
