import {
  endorse,
  signAttestation,
  spkiOf,
  type Judgement,
  type KeyChange,
  type TrustPolicy,
} from '@runtime-hub/plugin-sdk/artifact';
import { pluginId } from '@runtime-hub/plugin-sdk/contract';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Hub } from '../../../../studio/server/hub.ts';
import { decideUpdate } from '../../../../studio/server/plugins/update-decision.ts';
import { packOf, reach } from '../../../e2e/registry-pack.ts';
import {
  keyRequest,
  makePublisher,
  newKey,
  openRegistry,
  post,
  type OpenRegistry,
} from '../../../registry/open-registry.ts';
import { ORIGIN, openLog, revoked } from '../../../registry/client/fake-log.ts';
import { eventOf } from '../../../support/hub.ts';
import { WORDS, addRegistry, openScene, refusal, type Scene } from './machine.ts';

const LONG = { timeout: 60_000 };
let scene: Scene;
let hub: Hub;
beforeEach(async () => {
  scene = await openScene();
  hub = await scene.open();
  await addRegistry(hub, scene);
});
afterEach(async () => {
  await hub[Symbol.asyncDispose]();
  await scene[Symbol.asyncDispose]();
});

const set = (more: (policy: TrustPolicy) => Partial<TrustPolicy>): void =>
  hub.policy.change((policy) => ({ ...policy, ...more(policy) }));

test('each rule of the policy refuses with a code of its own, naming its entry', LONG, async () => {
  await scene.publish({ version: '1.0.0', permissions: [reach('api.example.com:8443')] });
  const registries = (policy: TrustPolicy) =>
    (policy.registries ?? []).map((it) => ({ ...it, minReleaseAgeHours: 72 }));
  const cases: [string, (policy: TrustPolicy) => Partial<TrustPolicy>, string][] = [
    [
      'POLICY_CAPABILITY_DENIED',
      () => ({ permissions: { deny: ['net.http'] } }),
      'permissions.deny',
    ],
    [
      'POLICY_HOST_DENIED',
      () => ({ permissions: { denyHosts: ['*.example.com'] } }),
      'permissions.denyHosts',
    ],
    [
      'POLICY_RELEASE_TOO_YOUNG',
      (policy) => ({ permissions: {}, registries: registries(policy) }),
      'registries/0/minReleaseAgeHours',
    ],
  ];
  for (const [code, more, entry] of cases) {
    set(more);
    await expect(hub.installer.install(WORDS)).rejects.toMatchObject({ code, data: { entry } });
    expect(hub.plugins.list()).toEqual([]);
  }
});

test(
  'a name of one’s own that another registry offers with a higher version is refused',
  LONG,
  async () => {
    await using stranger = await openRegistry({
      origin: 'public.example',
      clock: { now: () => Date.now() },
    });
    hub.registries.remove((hub.registries.list()[0] ?? { origin: '' }).origin);
    await addRegistry(hub, scene, { exclusive: true });
    await scene.publish({ version: '1.0.0' });
    await hub.registries.add({ url: stranger.url, namespaces: ['*/*'], exclusive: false });
    expect(hub.registries.for(WORDS).map(({ origin }) => origin)).toEqual(['reg.test.internal']);
    await squat(stranger, '9.0.0');
    expect(await refusal(async () => await hub.installer.install(`${WORDS}@^9.0.0`))).toBe(
      'PLUGIN_VERSION_NOT_FOUND',
    );
    const { plugin } = await hub.installer.install(`${WORDS}@*`);
    expect(plugin.manifest.version).toBe('1.0.0');
    expect(hub.registries.for(pluginId('other/one')).map(({ origin }) => origin)).toEqual([
      'public.example',
    ]);
  },
);

test('a bundle of another origin is refused before its signature is looked at', LONG, async () => {
  await scene.publish({ version: '1.0.0' });
  const [client] = hub.registries.all();
  const [version] = (await client?.plugin(WORDS))?.versions ?? [];
  if (client === undefined || version === undefined) throw new Error('nothing was published');
  const release = await client.release(version);
  set(({ namespaces }) => ({
    namespaces: [...namespaces, { match: 'acme/*', signers: [], exclusive: true }],
  }));
  expect(await refusal(() => hub.plugins.check(release))).toBe('POLICY_NAMESPACE_EXCLUSIVE');
  set(({ namespaces }) => ({ namespaces: namespaces.filter((it) => it.match !== 'acme/*') }));
  expect(await refusal(() => hub.plugins.check(release))).toBe('POLICY_ORIGIN_REFUSED');
});

test(
  'what needs an approval is installed only when an approver of the entry gave it',
  LONG,
  async () => {
    await scene.publish({ version: '1.0.0' });
    const [boss, stranger] = [newKey('boss-2026'), newKey('stranger')];
    set(({ keys, namespaces }) => ({
      keys: { ...keys, 'boss-2026': { spki: spkiOf(boss), alg: 'ed25519' } },
      namespaces: namespaces.map((it) =>
        it.match === 'acme/*' ? { ...it, require: ['org-approval'], approvers: ['boss-2026'] } : it,
      ),
    }));
    expect(await refusal(async () => await hub.installer.install(WORDS))).toBe(
      'POLICY_ATTESTATION_MISSING',
    );
    const [client] = hub.registries.all();
    const [version] = (await client?.plugin(WORDS))?.versions ?? [];
    const subject = { id: WORDS, version: '1.0.0', digest: version?.digest ?? '' };
    const word: Judgement = {
      verdict: 'approved',
      by: 'The boss',
      reason: 'Looked at',
      findings: [],
    } as const;
    for (const [key, code] of [
      [stranger, 'POLICY_ATTESTATION_MISSING'],
      [boss, 'nothing'],
    ] as const) {
      const bundle = await signAttestation('org-approval', subject, word, key);
      const path = `/v1/plugins/${WORDS}/1.0.0/attestations`;
      await scene.at.admin('POST', path, {
        json: { kind: 'org-approval', bundle, spki: spkiOf(key) },
      });
      expect(await refusal(async () => await hub.installer.install(WORDS))).toBe(code);
    }
  },
);

test(
  'a rotated key is the same publisher; what a revoked key signed after is stopped and refused',
  LONG,
  async () => {
    const { at, acme } = scene;
    await scene.publish({ version: '1.0.0' });
    await hub.installer.install(WORDS);
    const next = newKey('acme-2027');
    const path = '/v1/namespaces/acme/keys';
    const added = keyRequest('acme', next, [acme.key]);
    expect((await at.ask('POST', path, { token: acme.token, json: added })).status).toBe(201);
    const artifact = packOf({ id: WORDS, version: '1.1.0' });
    await post(at.ask, { key: next, token: acme.token }, artifact);
    const { status, plugin } = await hub.installer.update(WORDS);
    expect({ status, publisher: plugin.publisher, key: plugin.key }).toEqual({
      status: 'installed',
      publisher: 'acme-2026@reg.test.internal',
      key: 'acme-2027',
    });
    const stolen = { change: 'revoked', revokedFrom: plugin.logIndex } as const;
    const gone = keyRequest('acme', next, [acme.key], stolen);
    expect((await at.ask('POST', path, { token: acme.token, json: gone })).status).toBe(201);
    await hub.watch.read('reg.test.internal');
    expect(hub.plugins.get(WORDS)).toBeNull();
    expect(hub.plugins.refused()).toMatchObject([{ error: { code: 'PUBLISHER_KEY_REVOKED' } }]);
    expect(hub.plugins.get(WORDS, '1.0.0')?.key).toBe('acme-2026');
  },
);

test(
  'another line of keys is another publisher: its update is held, and no grant passes on',
  LONG,
  async () => {
    const other = await makePublisher(scene.at, 'zeta');
    await scene.publish({ version: '1.0.0', permissions: [reach('api.example.com')] });
    await hub.installer.install(WORDS);
    hub.broker.approve({ plugin: WORDS, by: 'test' });
    set(({ keys, namespaces }) => ({
      keys: { ...keys, sold: { spki: spkiOf(other.key), alg: 'ed25519' } },
      namespaces: [
        ...namespaces,
        { match: 'acme/words', origin: 'reg.test.internal', signers: ['sold'] },
      ],
    }));
    const now = hub.plugins.get(WORDS);
    if (now === null) throw new Error('it was not installed');
    const held = decide(hub, { ...now, publisher: 'sold@reg.test.internal' });
    expect(held.reasons).toEqual(['publisher']);
    expect(hub.broker.list().every((it) => it.publisher === 'acme-2026@reg.test.internal')).toBe(
      true,
    );
  },
);

test('a decision about something else leaves a held version waiting', LONG, async () => {
  const rate = { ...reach('api.example.com') };
  await scene.publish({ version: '1.0.0', permissions: [rate] });
  await hub.installer.install(WORDS);
  await scene.publish({ version: '1.1.0', permissions: [rate, { ...reach('b.example') }] });
  expect((await hub.installer.update(WORDS)).status).toBe('held');
  const about = { plugin: WORDS, capability: 'screen.capture', by: 'me' } as const;
  expect(await refusal(() => hub.installer.deciding(about, () => hub.broker.approve(about)))).toBe(
    'HUB_REQUEST_INVALID',
  );
  const wrong = { plugin: WORDS, capability: 'net.http', target: 'c.example', by: 'me' } as const;
  expect(await refusal(() => hub.installer.deciding(wrong, () => hub.broker.approve(wrong)))).toBe(
    'HUB_REQUEST_INVALID',
  );
  expect(hub.plugins.get(WORDS)?.manifest.version).toBe('1.0.0');
  expect(hub.plugins.record(WORDS).held).not.toBeNull();
  const less = { plugin: WORDS, capability: 'net.http', target: 'b.example', by: 'me' } as const;
  hub.installer.deciding(less, () => hub.broker.approve(less));
  expect(hub.plugins.get(WORDS)?.manifest.version).toBe('1.1.0');
  const granted = hub.broker.list().filter((it) => it.status === 'granted');
  expect(granted.map((it) => it.permission.target)).toEqual(['b.example']);
});

test(
  'updates that the policy takes unasked are taken, those that wait for a person are held',
  LONG,
  async () => {
    await scene.publish({ version: '1.0.0' });
    await hub.installer.install(WORDS);
    await scene.publish({ version: '1.0.1' });
    await hub.installer.updateUnasked();
    expect(hub.plugins.get(WORDS)?.manifest.version).toBe('1.0.0');
    set(() => ({ updates: { auto: 'patch' } }));
    await hub.installer.updateUnasked();
    expect(hub.plugins.get(WORDS)?.manifest.version).toBe('1.0.1');
    await scene.publish({ version: '1.0.2', permissions: [reach('api.example.com')] });
    await hub.installer.updateUnasked();
    expect(await eventOf(hub, 'plugin.held')).toMatchObject({ version: '1.0.2' });
    await scene.publish({ version: '1.1.0' });
    await hub.installer.updateUnasked();
    expect(hub.plugins.get(WORDS)?.manifest.version).toBe('1.0.1');
  },
);

test('a pinned plugin is moved by nobody but a person', LONG, async () => {
  await scene.publish({ version: '1.0.0' });
  await hub.installer.install(WORDS);
  hub.plugins.pin(WORDS, true);
  await scene.publish({ version: '1.0.1' });
  expect((await hub.installer.update(WORDS)).reasons).toEqual(['pinned']);
  expect((await hub.installer.update(WORDS, { approve: true })).status).toBe('installed');
});

test(
  'a registry that shows nothing new gives nothing new, but what is installed starts and runs as before',
  LONG,
  async () => {
    await scene.publish({ version: '1.0.0' });
    await hub.installer.install(WORDS);
    set(({ registries = [] }) => ({
      registries: registries.map((it) => ({ ...it, maxMetadataAgeHours: 0 })),
    }));
    await hub[Symbol.asyncDispose]();
    hub = await scene.open();
    expect(hub.plugins.get(WORDS)?.manifest.version).toBe('1.0.0');
    await scene.publish({ version: '1.0.1' });
    expect(await refusal(async () => await hub.installer.update(WORDS))).toBe('LOG_FROZEN');
    expect(await hub.plugins.verify()).toEqual([]);
  },
);

test('a log has no say in what came from another', LONG, async () => {
  await scene.publish({ version: '1.0.0' });
  const { plugin } = await hub.installer.install(WORDS);
  await using log = await openLog();
  set(({ registries = [] }) => ({
    registries: [
      ...registries,
      { origin: ORIGIN, url: log.url, logKey: log.logKey, tufRootSha256: 'a'.repeat(64) },
    ],
  }));
  log.append(revoked(WORDS, '1.0.0', plugin.digest));
  await hub[Symbol.asyncDispose]();
  hub = await scene.open();
  await hub.watch.read(ORIGIN);
  expect(hub.watch.list()).toMatchObject([{}, { origin: ORIGIN, error: null }]);
  expect(hub.registries.events(ORIGIN)).toHaveLength(1);
  expect(hub.plugins.get(WORDS)?.digest).toBe(plugin.digest);
  expect(await hub.plugins.verify()).toEqual([]);
});

test('what a log revoked before it was ever seen here is refused, and named', LONG, async () => {
  await scene.publish({ version: '1.0.0' });
  const [client] = hub.registries.all();
  const [version] = (await client?.plugin(WORDS))?.versions ?? [];
  if (client === undefined || version === undefined) throw new Error('nothing was published');
  const release = await client.release(version);
  const path = `/v1/plugins/${WORDS}/1.0.0/revoke`;
  const json = { reason: 'It lies' };
  await scene.at.ask('POST', path, { token: scene.acme.token, json });
  await hub.watch.read('reg.test.internal');
  await expect(hub.plugins.install(release)).rejects.toMatchObject({
    code: 'PLUGIN_REVOKED',
    data: { reason: 'It lies' },
  });
});

/** Somebody else's plugin of the same name, in a registry where nobody minds. */
async function squat({ admin, ask }: OpenRegistry, version: string): Promise<void> {
  const space = { name: 'acme', visibility: 'public' };
  await admin('POST', '/v1/admin/namespaces', { json: space });
  const wish = { scope: 'publish', namespace: 'acme', note: 'test' };
  const { token } = (await admin('POST', '/v1/admin/tokens', { json: wish })).json;
  const key = newKey('acme-2026');
  const { endorsements: _ours, ...sent } = keyRequest('acme', key, [key]);
  // SAFETY: what is sent is a change without its namespace.
  const change = { namespace: 'acme', ...sent } as unknown as KeyChange;
  const endorsements = [endorse('public.example', change, key)];
  await ask('POST', '/v1/namespaces/acme/keys', { token, json: { ...sent, endorsements } });
  const reply = await post(ask, { key, token }, packOf({ id: WORDS, version }));
  expect(reply.status).toBe(201);
}

const decide = (at: Hub, next: Parameters<typeof decideUpdate>[1]) =>
  decideUpdate(at.plugins.get(WORDS), next, { pinned: false });
