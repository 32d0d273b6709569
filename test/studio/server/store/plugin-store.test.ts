import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createBus } from '@runtime-hub/kernel';
import { digestOf, type Release } from '@runtime-hub/plugin-sdk/artifact';
import { pluginId } from '@runtime-hub/plugin-sdk/contract';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openTrust, signWithDeveloperKey } from '../../../../studio/server/store/keys.ts';
import { versionFolder } from '../../../../studio/server/store/plugin-files.ts';
import { openPluginStore, type PluginStore } from '../../../../studio/server/store/plugin-store.ts';
import { systemClock } from '../../../../studio/server/system.ts';
import { packOf } from '../../../e2e/registry-pack.ts';
import { temporaryFolder } from '../../../support/hub.ts';
import { applyPolicy } from '../../../support/trust.ts';

const WORDS = pluginId('acme/words');
const bus = createBus({ clock: systemClock });

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder('plugin-store');
  applyPolicy(folder.path, ['acme/*']);
});
afterEach(() => folder[Symbol.dispose]());

const open = async (): Promise<PluginStore> =>
  await openPluginStore({
    folder: folder.path,
    policy: openTrust(folder.path),
    hubVersion: '1.0.0',
    events: bus,
    now: () => systemClock.now(),
  });

async function releaseOf(version: string, config?: object): Promise<Release> {
  const artifact = packOf({ id: WORDS, version, ...(config === undefined ? {} : { config }) });
  return { artifact, bundle: await signWithDeveloperKey(folder.path, artifact) };
}

const home = (): string => join(folder.path, 'plugins');
const refusedBy = (store: PluginStore): unknown[] => store.refused().map(({ error }) => error.code);

test('versions stand side by side; the newest installed is current, and the choice outlives the hub', async () => {
  const store = await open();
  await store.install(await releaseOf('1.0.0'));
  await store.install(await releaseOf('2.0.0'));
  for (const it of [store, await open()]) {
    expect(it.get(WORDS)?.manifest.version).toBe('2.0.0');
    expect(it.get(WORDS, '1.0.0')?.manifest.version).toBe('1.0.0');
    expect(it.get(WORDS, '3.0.0')).toBeNull();
    expect(it.list()).toHaveLength(1);
    expect(it.versions(WORDS).map(({ manifest }) => manifest.version)).toEqual(['2.0.0', '1.0.0']);
  }
});

test('a rollback goes to what ran before, then further back, then nowhere', async () => {
  const store = await open();
  for (const version of ['1.0.0', '2.0.0', '3.0.0']) await store.install(await releaseOf(version));
  expect(store.rollback(WORDS).manifest.version).toBe('2.0.0');
  expect((await open()).get(WORDS)?.manifest.version).toBe('2.0.0');
  expect(store.rollback(WORDS).manifest.version).toBe('1.0.0');
  expect(() => store.rollback(WORDS)).toThrow(
    expect.objectContaining({ code: 'PLUGIN_VERSION_NOT_FOUND' }),
  );
});

test('what is held does not run until it is activated, also after a restart', async () => {
  const store = await open();
  await store.install(await releaseOf('1.0.0'));
  const held = await store.hold(await releaseOf('1.1.0'));
  const again = await open();
  expect(again.get(WORDS)?.manifest.version).toBe('1.0.0');
  expect(again.record(WORDS).held).toBe(held.digest);
  again.activate(WORDS, held.digest);
  expect(again.get(WORDS)?.manifest.version).toBe('1.1.0');
  expect(again.record(WORDS).held).toBeNull();
});

test('files lie under the digest of their artifact and can’t be written', async () => {
  const release = await releaseOf('1.0.0');
  const { folder: files } = await (await open()).install(release);
  expect(files).toBe(join(versionFolder(home(), digestOf(release.artifact)), 'files'));
  expect(statSync(join(files, 'plugin.js')).mode & 0o777).toBe(0o444);
});

test('what an older hub installed is taken over, and its place cleared', async () => {
  const release = await releaseOf('1.0.0');
  await (await open()).install(release);
  const old = join(home(), 'acme', 'words');
  mkdirSync(join(home(), 'acme'));
  renameSync(versionFolder(home(), digestOf(release.artifact)), old);
  renameSync(join(home(), '.records.json'), join(folder.path, 'elsewhere'));
  const store = await open();
  expect(store.get(WORDS)?.digest).toBe(digestOf(release.artifact));
  expect(existsSync(join(home(), 'acme'))).toBe(false);
  expect(refusedBy(await open())).toEqual([]);
});

test('a revoked version is gone at once, refused at each start, and can’t be installed again', async () => {
  const release = await releaseOf('1.0.0');
  const store = await open();
  const { digest } = await store.install(release);
  const why = {
    plugin: WORDS,
    version: '1.0.0',
    reason: 'It lies',
    origin: 'o',
    logIndex: 3,
    at: 1,
  };
  expect(store.revoke(digest, why)).toBe(true);
  expect(store.revoke(digest, why)).toBe(false);
  for (const it of [store, await open()]) {
    expect(it.get(WORDS)).toBeNull();
    expect(it.get(WORDS, '1.0.0')).toBeNull();
    expect(it.refusal?.(WORDS, '1.0.0')).toMatchObject({ code: 'PLUGIN_REVOKED' });
    expect(refusedBy(it)).toEqual(['PLUGIN_REVOKED']);
    await expect(it.install(release)).rejects.toMatchObject({ code: 'PLUGIN_REVOKED' });
    expect(() => it.activate(WORDS, digest)).toThrow(
      expect.objectContaining({ code: 'PLUGIN_REVOKED' }),
    );
  }
});

test('a damaged memory stops the hub rather than letting it forget what was revoked', async () => {
  await (await open()).install(await releaseOf('1.0.0'));
  const file = join(home(), '.records.json');
  for (const text of [
    '{',
    '{"version":1}',
    readFileSync(file, 'utf8').replace('"pinned"', '"x"'),
  ]) {
    writeFileSync(file, text);
    await expect(open()).rejects.toMatchObject({
      code: 'HUB_REQUEST_INVALID',
      data: { field: 'plugins/.records.json' },
    });
  }
});

test('without any memory the newest version of each plugin is current', async () => {
  const store = await open();
  await store.install(await releaseOf('1.10.0'));
  await store.install(await releaseOf('1.9.0'));
  renameSync(join(home(), '.records.json'), join(folder.path, 'elsewhere'));
  const again = await open();
  expect(again.get(WORDS)?.manifest.version).toBe('1.10.0');
  expect(again.versions(WORDS)).toHaveLength(2);
});

test('another artifact of the same version takes its place, and a version swapped on the disk is refused', async () => {
  const store = await open();
  const one = await store.install(await releaseOf('1.0.0'));
  const config = { type: 'object', properties: { more: { type: 'string' } } };
  const other = await store.install(await releaseOf('1.0.0', config));
  expect(existsSync(versionFolder(home(), one.digest))).toBe(false);
  const next = await store.install(await releaseOf('2.0.0'));
  // An old version in the place of the current one: a downgrade that no signature speaks against.
  const aside = join(folder.path, 'aside');
  renameSync(versionFolder(home(), next.digest), aside);
  renameSync(versionFolder(home(), other.digest), versionFolder(home(), next.digest));
  const again = await open();
  expect(again.get(WORDS)).toBeNull();
  expect(refusedBy(again)).toEqual(['ARTIFACT_NOT_FOUND']);
  await again.remove(WORDS);
  expect(again.record(WORDS).versions).toEqual([]);
});

test('removing one version leaves the others; removing what is not there says so', async () => {
  const store = await open();
  await store.install(await releaseOf('1.0.0'));
  await store.install(await releaseOf('2.0.0'));
  await store.remove(WORDS, '1.0.0');
  expect(store.get(WORDS)?.manifest.version).toBe('2.0.0');
  expect(store.get(WORDS, '1.0.0')).toBeNull();
  await expect(store.remove(WORDS, '1.0.0')).rejects.toMatchObject({
    code: 'PLUGIN_NOT_INSTALLED',
  });
  expect(() => store.pin(pluginId('acme/other'), true)).toThrow(
    expect.objectContaining({ code: 'PLUGIN_NOT_INSTALLED' }),
  );
  await store.remove(WORDS);
  expect((await open()).list()).toEqual([]);
});
