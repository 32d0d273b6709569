import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readTrustPolicy, signAttestation, spkiOf } from '@runtime-hub/plugin-sdk/artifact';
import { pluginId } from '@runtime-hub/plugin-sdk/contract';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RegistryClient, identify, shortMemory } from '../../../registry/client/index.ts';
import {
  TAKE_ALL,
  mirrorFolder,
  writeUplink,
  type Filters,
  type Uplink,
} from '../../../registry/mirror/index.ts';
import { openHub } from '../../../studio/server/hub.ts';
import { temporaryFolder } from '../../support/hub.ts';
import {
  ORIGIN,
  makePublisher,
  newKey,
  openRegistry,
  post,
  publishOne,
  type OpenRegistry,
  type Publisher,
} from '../open-registry.ts';
import { packOf } from '../../e2e/registry-pack.ts';
import { serving } from './mirror-scene.ts';

const OWN = 'mirror.test.internal';
const AT = `/mirror/${ORIGIN}`;
const WORDS = pluginId('acme/words');

let opened: AsyncDisposableStack;
let origin: OpenRegistry;
let own: OpenRegistry;
let acme: Publisher;

beforeEach(async () => {
  opened = new AsyncDisposableStack();
  const clock = { now: () => Date.now() };
  origin = opened.use(await openRegistry({ clock }));
  own = opened.use(await openRegistry({ clock, origin: OWN }));
  acme = await makePublisher(origin, 'acme');
});
afterEach(async () => await opened.disposeAsync());

async function mirrored(
  filters: Partial<Filters> = {},
  more: Partial<Uplink> = {},
): Promise<Uplink> {
  using roots = temporaryFolder('roots');
  const found = await identify({ url: origin.url, folder: roots.path, fingerprint: null });
  const { logKey, tufRootSha256 } = found;
  const uplink = {
    ...{ origin: ORIGIN, url: origin.url, logKey, tufRootSha256, maxMetadataAgeHours: 168 },
    ...{ everyMinutes: 60, pull: false, filters: { ...TAKE_ALL, ...filters }, ...more },
  };
  writeUplink(mirrorFolder(own.folder, ORIGIN), uplink);
  return uplink;
}

const sync = async () => await own.admin('POST', `${AT}/sync`);
const clientAt = (uplink: Uplink): RegistryClient =>
  opened.use(
    new RegistryClient({
      ...{ origin: ORIGIN, url: own.url + AT, logKey: uplink.logKey, memory: shortMemory() },
      ...{ now: () => Date.now(), maxAgeMs: 3_600_000 },
    }),
  );

/** A registry that is there but takes half a minute for each answer. */
async function slow() {
  return opened.use(await serving(() => undefined));
}

test('a mirror answers from what it has within 300 ms while its origin is down, or takes half a minute', async () => {
  await publishOne(origin, acme, 'words');
  const uplink = await mirrored();
  expect(await sync()).toMatchObject({ status: 200, json: { taken: [{ id: WORDS }] } });
  const { url } = await slow();
  await origin[Symbol.asyncDispose]();
  for (const there of [uplink.url, url]) {
    writeUplink(mirrorFolder(own.folder, ORIGIN), { ...uplink, url: there });
    const looking = sync();
    const paths = ['?q=words', '/acme/words', '/acme/words/1.0.0/bundle', '/acme/nothing'];
    for (const path of paths) {
      const before = performance.now();
      const { status } = await own.ask('GET', `${AT}/v1/plugins${path}`);
      expect(performance.now() - before).toBeLessThan(300);
      expect(status).toBe(path === '/acme/nothing' ? 404 : 200);
    }
    expect(await looking).toMatchObject({ status: 502, json: { code: 'REGISTRY_UNREACHABLE' } });
  }
});

test('where plugins are pulled, the first who asks gets it, and a slow origin costs them less than a second', async () => {
  await publishOne(origin, acme, 'words');
  const uplink = await mirrored({ deny: ['acme/secret'] }, { pull: true });
  expect(await sync()).toMatchObject({ json: { taken: [] } });
  const client = clientAt(uplink);
  expect(await client.plugin(WORDS)).toMatchObject({ latest: '1.0.0' });
  await expect(client.plugin(pluginId('acme/secret'))).rejects.toMatchObject({
    code: 'REGISTRY_KEPT_BACK',
  });
  await publishOne(origin, acme, 'other');
  await sync();
  const { url } = await slow();
  writeUplink(mirrorFolder(own.folder, ORIGIN), { ...uplink, url });
  const before = performance.now();
  await expect(client.plugin(pluginId('acme/other'))).rejects.toMatchObject({
    code: 'REGISTRY_UNREACHABLE',
  });
  expect(performance.now() - before).toBeLessThan(1000);
  expect(await client.plugin(WORDS)).toMatchObject({ latest: '1.0.0' });
});

test('the mirror vouches for what it took, in its own log, and leaves the origin’s bytes as they are', async () => {
  await publishOne(origin, acme, 'words');
  const uplink = await mirrored();
  const { json } = await own.ask('GET', '/v1/changes');
  await sync();
  const { attestations } = (await own.ask('GET', `${AT}/v1/plugins/acme/words/1.0.0/attestations`))
    .json;
  expect(attestations).toHaveLength(1);
  expect(attestations[0]).toContain('tlogEntries');
  expect((await own.ask('GET', '/v1/changes')).json.size).toBe(json.size + 1);
  await sync();
  expect((await own.ask('GET', '/v1/changes')).json.size).toBe(json.size + 1);
  for (const path of ['/v1/plugins/acme/words/1.0.0/bundle', '/v1/log/checkpoint'])
    expect((await own.ask('GET', AT + path)).text).toBe((await origin.ask('GET', path)).text);
  expect((await own.ask('GET', `${AT}/v1/`)).json).toMatchObject({
    origin: ORIGIN,
    logKey: uplink.logKey,
  });
});

test('where a person must let each version go, none is handed on before, and readers cannot do it', async () => {
  await publishOne(origin, acme, 'words');
  const uplink = await mirrored({ review: true });
  expect((await sync()).json).toMatchObject({ taken: [], keptBack: [{ rule: 'review' }] });
  const client = clientAt(uplink);
  await expect(client.plugin(WORDS)).rejects.toMatchObject({ code: 'REGISTRY_NOT_FOUND' });
  const path = `${AT}/v1/plugins/acme/words/1.0.0/approve`;
  const json = { reason: 'Ann read it' };
  expect(await own.ask('POST', path, { json })).toMatchObject({ json: { code: 'TOKEN_MISSING' } });
  expect(await own.admin('POST', path.replace('1.0.0', '7.0.0'), { json })).toMatchObject({
    json: { code: 'REGISTRY_NOT_FOUND' },
  });
  expect(await own.admin('POST', path, { json })).toMatchObject({ status: 200 });
  expect(await client.plugin(WORDS)).toMatchObject({ latest: '1.0.0' });
});

test('paths that lead out of a mirror, and mirrors that are none, are not found', async () => {
  await publishOne(origin, acme, 'words');
  await mirrored();
  await sync();
  for (const path of [
    '/mirror/nowhere.internal/v1/',
    '/mirror/..%2f..%2fkeys/v1/log.pem',
    `${AT}/v1/%2e%2e/%2e%2e/uplink.json`,
    `${AT}/v1/..%2f..%2fuplink.json`,
    `${AT}/v1/plugins/acme/words/..%2f..%2f..%2f..%2f..%2fnotes.json`,
    `${AT}/v1/log/tile/0/..%2fcheckpoint`,
  ]) {
    const { status, text } = await own.ask('GET', path);
    expect([path, status]).toEqual([path, 404]);
    expect(text).not.toContain('filters');
  }
});

test('a hub that wants its organisation’s word installs from a mirror only what that word, logged there, is on', async () => {
  const folder = opened.use(temporaryFolder('hub')).path;
  expect((await post(origin.ask, acme, packOf({ id: WORDS, version: '1.0.0' }))).status).toBe(201);
  const uplink = await mirrored();
  await sync();
  const boss = newKey('org-2026');
  const info = (await own.ask('GET', '/v1/')).json;
  await (await openHub({ folder }))[Symbol.asyncDispose]();
  const file = join(folder, 'trust-policy.json');
  const policy = readTrustPolicy(readFileSync(file, 'utf8'));
  const { logKey, tufRootSha256 } = uplink;
  const changed = {
    ...policy,
    keys: { ...policy.keys, 'org-2026': { spki: spkiOf(boss), alg: 'ed25519' } },
    registries: [
      { origin: ORIGIN, url: own.url + AT, logKey, tufRootSha256 },
      { ...{ origin: OWN, url: own.url, logKey: info.logKey }, tufRootSha256: info.tufRootSha256 },
    ],
    namespaces: [
      ...policy.namespaces,
      {
        ...{ match: 'acme/*', origin: ORIGIN, keyring: true, exclusive: true },
        ...{ require: ['org-approval'], approvers: ['org-2026'] },
      },
    ],
  };
  writeFileSync(file, JSON.stringify(changed));
  const hub = opened.use(await openHub({ folder }));
  await expect(hub.installer.install(WORDS)).rejects.toMatchObject({
    code: 'POLICY_ATTESTATION_MISSING',
  });
  const { digest } = (await origin.ask('GET', '/v1/plugins/acme/words/1.0.0')).json;
  const subject = { id: WORDS, version: '1.0.0', digest };
  const judgement = { verdict: 'approved' as const, by: 'Ann', reason: 'We need it', findings: [] };
  const give = async (key: ReturnType<typeof newKey>, about = subject) =>
    await own.admin('POST', `${AT}/v1/plugins/acme/words/1.0.0/attestations`, {
      json: {
        ...{ kind: 'org-approval', spki: spkiOf(key) },
        bundle: await signAttestation('org-approval', about, judgement, key),
      },
    });
  const other = `sha512-${'0'.repeat(128)}`;
  expect(await give(boss, { ...subject, digest: other })).toMatchObject({
    json: { code: 'ARTIFACT_DIGEST_MISMATCH' },
  });
  expect(await give(newKey('org-2026'))).toMatchObject({ status: 201 });
  await expect(hub.installer.install(WORDS)).rejects.toMatchObject({
    code: 'POLICY_ATTESTATION_MISSING',
  });
  expect(await give(boss)).toMatchObject({ status: 201 });
  expect(await hub.installer.install(WORDS)).toMatchObject({
    status: 'installed',
    plugin: { manifest: { version: '1.0.0' } },
  });
});
