import { beforeAll, describe, expect, test } from 'vitest';
import {
  admit,
  packArtifact,
  readArtifact,
  type PublisherKey,
  type Release,
  type TrustPolicy,
} from '@runtime-hub/plugin-sdk/artifact';
import { HubError } from '@runtime-hub/plugin-sdk/contract';
import {
  artifactFor,
  artifactWith,
  logAt,
  manifestFor,
  nodeFor,
  publisher,
  signPayload,
  signRelease,
  spkiOf,
  statementOf,
} from './release-parts.ts';
import { refusalOf } from './tar-parts.ts';

const core = publisher('core-2026');
const acme = publisher('acme-2026', 'p256');
const log = logAt();
const policy: TrustPolicy = {
  version: 1,
  keys: {
    [core.hint]: { spki: spkiOf(core.privateKey), alg: 'ed25519' },
    [acme.hint]: { spki: spkiOf(acme.privateKey), alg: 'p256' },
  },
  log: { origin: log.origin, spki: spkiOf(log.privateKey) },
  namespaces: [
    { match: 'core/*', signers: [core.hint] },
    { match: 'acme/*', signers: [acme.hint] },
  ],
  drivers: ['core/*', 'acme/camera'],
  autoGrant: [],
  minIsolation: 'strong',
};

const released = async (more: Record<string, unknown>, key: PublisherKey): Promise<Release> => {
  const artifact = artifactFor(more);
  return { artifact, bundle: await signRelease(artifact, key, log) };
};
const verdict = (release: Release, hub = '1.0.0', by = policy): string =>
  refusalOf(() => admit(release, by, hub));

describe('a key per namespace', () => {
  test.each<[string, PublisherKey, string]>([
    ['core/flow', core, 'accepted'],
    ['acme/ocr', acme, 'accepted'],
    ['core/flow', acme, 'PUBLISHER_UNTRUSTED'],
    ['acme/ocr', core, 'PUBLISHER_UNTRUSTED'],
    ['core-x/flow', core, 'PUBLISHER_UNTRUSTED'],
    ['other/ocr', acme, 'PUBLISHER_UNTRUSTED'],
  ])('%s signed by key %#', async (id, key, expected) => {
    expect(verdict(await released({ id }, key))).toBe(expected);
  });

  test('another publisher’s key under the hint of core is no signature of core', async () => {
    const thief = { ...acme, hint: core.hint };
    expect(verdict(await released({ id: 'core/flow' }, thief))).toBe('SIGNATURE_INVALID');
  });

  test('a trusted publisher who claims the hint of core stays untrusted for its own namespace', async () => {
    expect(verdict(await released({ id: 'acme/ocr' }, { ...acme, hint: core.hint }))).toBe(
      'PUBLISHER_UNTRUSTED',
    );
  });

  test('a key taken from the policy is believed no longer', async () => {
    const release = await released({ id: 'acme/ocr' }, acme);
    const { [core.hint]: kept } = policy.keys;
    if (kept === undefined) throw new Error('The policy has no core key.');
    expect(verdict(release)).toBe('accepted');
    expect(verdict(release, '1.0.0', { ...policy, keys: { [core.hint]: kept } })).toBe(
      'PUBLISHER_UNTRUSTED',
    );
  });

  test('what is admitted names its publisher by the policy’s own hint', async () => {
    const admitted = admit(await released({ id: 'acme/ocr' }, acme), policy, '1.0.0');
    expect(admitted.publisher).toBe('acme-2026');
    expect(admitted.digest).toMatch(/^sha512-/u);
  });
});

describe('the engine range', () => {
  test.each<[string, string, string]>([
    ['^1.0.0', '1.0.0', 'accepted'],
    ['^1.0.0', '1.9.3', 'accepted'],
    ['^1.0.0', '2.0.0', 'PLUGIN_ENGINE_MISMATCH'],
    ['^1.0.0', '0.9.9', 'PLUGIN_ENGINE_MISMATCH'],
    ['>=1.2.0 <1.4.0', '1.3.9', 'accepted'],
    ['>=1.2.0 <1.4.0', '1.4.0', 'PLUGIN_ENGINE_MISMATCH'],
    ['*', '7.0.0', 'accepted'],
    ['^1.0.0', '1.1.0-rc.1', 'PLUGIN_ENGINE_MISMATCH'],
    ['>2.0.0 <1.0.0', '1.5.0', 'PLUGIN_ENGINE_MISMATCH'],
    ['1.x || 3.x', '3.1.0', 'accepted'],
    ['no range', '1.0.0', 'MANIFEST_INVALID'],
  ])('%s on hub %s: %s', async (engine, hub, expected) => {
    const artifact = artifactFor({ id: 'acme/ocr', engine });
    // A range that is none can't be signed with signRelease, so the statement is made by hand.
    const bundle = signPayload(
      statementOf(artifact, manifestFor({ id: 'acme/ocr', engine })),
      acme,
      log,
    );
    expect(verdict({ artifact, bundle }, hub)).toBe(expected);
  });
});

describe('the driver runtime', () => {
  test.each<[string, string, PublisherKey, string]>([
    ['core/screen', 'driver', core, 'accepted'],
    ['acme/camera', 'driver', acme, 'accepted'],
    ['acme/ocr', 'driver', acme, 'PUBLISHER_DRIVER_REFUSED'],
    ['acme/camera-two', 'driver', acme, 'PUBLISHER_DRIVER_REFUSED'],
    ['acme/ocr', 'process', acme, 'accepted'],
    ['acme/ocr', 'isolate', acme, 'accepted'],
    ['acme/camera', 'driver', core, 'PUBLISHER_UNTRUSTED'],
  ])('%s as %s', async (id, runtime, key, expected) => {
    expect(verdict(await released({ id, runtime }, key))).toBe(expected);
  });

  test('the refusal names plugin and publisher', async () => {
    const release = await released({ id: 'acme/ocr', runtime: 'driver' }, acme);
    expect(() => admit(release, policy, '1.0.0')).toThrow(
      new HubError('PUBLISHER_DRIVER_REFUSED', { plugin: 'acme/ocr', publisher: 'acme-2026' }),
    );
  });
});

describe('a release whose parts do not belong together', () => {
  let one: Release;
  let two: Release;
  let neighbour: Release;
  beforeAll(async () => {
    one = await released({ id: 'acme/ocr', version: '1.0.0' }, acme);
    two = await released({ id: 'acme/ocr', version: '1.0.1' }, acme);
    neighbour = await released({ id: 'acme/mail', version: '1.0.0' }, acme);
  });

  test('the bundle of another version, newer or older', () => {
    expect(verdict({ artifact: one.artifact, bundle: two.bundle })).toBe(
      'SIGNATURE_SUBJECT_MISMATCH',
    );
    expect(verdict({ artifact: two.artifact, bundle: one.bundle })).toBe(
      'SIGNATURE_SUBJECT_MISMATCH',
    );
  });

  test('the bundle of another plugin of the same publisher', () => {
    expect(verdict({ artifact: one.artifact, bundle: neighbour.bundle })).toBe(
      'SIGNATURE_SUBJECT_MISMATCH',
    );
  });

  test('the bundle of the same version built again', async () => {
    const artifact = artifactWith(manifestFor({ id: 'acme/ocr' }), 'export default 2;\n');
    const rebuilt = { artifact, bundle: await signRelease(artifact, acme, log) };
    expect(verdict(rebuilt)).toBe('accepted');
    expect(verdict({ artifact: one.artifact, bundle: rebuilt.bundle })).toBe(
      'ARTIFACT_DIGEST_MISMATCH',
    );
  });

  test('an artifact whose manifest was raised to another version', () => {
    const files = new Map(readArtifact(one.artifact).files);
    files.set('manifest.json', Buffer.from(JSON.stringify(manifestFor({ version: '9.0.0' }))));
    expect(verdict({ artifact: packArtifact(files), bundle: one.bundle })).toBe(
      'SIGNATURE_SUBJECT_MISMATCH',
    );
  });

  test('an artifact without a manifest, or with one that is none', () => {
    const bare = packArtifact(new Map([['plugin.js', Buffer.from('1')]]));
    expect(verdict({ artifact: bare, bundle: one.bundle })).toBe('ARTIFACT_MALFORMED: manifest');
    expect(verdict({ artifact: artifactWith({}), bundle: one.bundle })).toBe('MANIFEST_INVALID');
  });
});

test('a stranger’s schemas are not even compiled: its signature is asked for first', async () => {
  const odd = manifestFor({ id: 'stranger/ocr', nodes: [nodeFor({ config: { evil: true } })] });
  const artifact = artifactWith(odd);
  const bundle = signPayload(statementOf(artifact, odd), publisher('stranger'), log);
  expect(verdict({ artifact, bundle })).toBe('PUBLISHER_UNTRUSTED');
});

test('the same release is admitted again and again', async () => {
  const release = await released({ id: 'acme/ocr', nodes: [nodeFor()] }, acme);
  for (let time = 0; time < 3; time++) expect(verdict(release)).toBe('accepted');
});
