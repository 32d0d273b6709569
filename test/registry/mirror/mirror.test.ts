import { join } from 'node:path';
import { pluginId } from '@runtime-hub/plugin-sdk/contract';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RegistryClient, identify, shortMemory } from '../../../registry/client/index.ts';
import { servedFolder } from '../../../registry/mirror/index.ts';
import { temporaryFolder } from '../../support/hub.ts';
import { ORIGIN } from '../open-registry.ts';
import { mirrorScene, servingFiles, type MirrorScene } from './mirror-scene.ts';

let scene: MirrorScene;
beforeEach(async () => {
  scene = await mirrorScene();
});
afterEach(async () => await scene[Symbol.asyncDispose]());

test('a mirror takes what its origin’s log announces, and a web server that knows files serves it as if it were the origin', async () => {
  await scene.publish('words', '1.0.0');
  await scene.publish('words', '1.1.0');
  const uplink = await scene.uplink();
  const report = await scene.look(uplink);
  expect(report).toMatchObject({ origin: ORIGIN, from: 0, refused: [], keptBack: [] });
  expect(report.taken).toEqual([
    { id: 'acme/words', version: '1.0.0' },
    { id: 'acme/words', version: '1.1.0' },
  ]);
  await using files = await servingFiles(servedFolder(scene.folder));
  using roots = temporaryFolder('roots');
  const { url } = files;
  expect(
    await identify({ url, folder: roots.path, fingerprint: uplink.tufRootSha256 }),
  ).toMatchObject({ origin: ORIGIN, logKey: uplink.logKey });
  using client = new RegistryClient({
    ...{ origin: ORIGIN, url, logKey: uplink.logKey, memory: shortMemory() },
    ...{ now: () => scene.at.clock.now(), maxAgeMs: 3_600_000 },
  });
  expect((await client.search({ text: 'WORDS' })).items).toMatchObject([
    { id: 'acme/words', version: '1.1.0' },
  ]);
  expect((await client.search({ text: 'nothing such' })).items).toEqual([]);
  const record = await client.plugin(pluginId('acme/words'));
  expect(record).toMatchObject({ latest: '1.1.0' });
  const [newest] = record.versions;
  if (newest === undefined) throw new Error('It has no version.');
  await client.learnSalt('acme');
  await client.catchUp(async () => await Promise.resolve());
  const mirrored = await client.release(newest);
  const theirs = await scene.at.ask('GET', '/v1/plugins/acme/words/1.1.0/bundle');
  expect(mirrored.bundle).toBe(theirs.text);
  await expect(client.plugin(pluginId('acme/other'))).rejects.toMatchObject({
    code: 'REGISTRY_NOT_FOUND',
  });
});

test('a second look takes only what is new, and follows what became of the rest', async () => {
  await scene.publish('words', '1.0.0');
  await scene.publish('words', '1.1.0');
  const uplink = await scene.uplink();
  await scene.look(uplink);
  expect(await scene.look(uplink)).toMatchObject({ taken: [], changed: [], refused: [] });
  await scene.publish('words', '1.2.0');
  await scene.move('words', '1.0.0', 'yank');
  await scene.move('words', '1.1.0', 'revoke', 'It sends away what it reads');
  expect(await scene.look(uplink)).toMatchObject({
    taken: [{ version: '1.2.0' }],
    changed: [
      { version: '1.1.0', state: 'revoked' },
      { version: '1.0.0', state: 'yanked' },
    ],
  });
  await using files = await servingFiles(servedFolder(scene.folder));
  const record = await fetch(
    join(files.url, 'v1/plugins/acme/words/index.json').replace(':/', '://'),
  );
  expect(await record.json()).toMatchObject({
    versions: [
      { version: '1.2.0', state: 'active' },
      { version: '1.1.0', state: 'revoked', reason: 'It sends away what it reads' },
      { version: '1.0.0', state: 'yanked' },
    ],
  });
  const bundle = await fetch(`${files.url}/v1/plugins/acme/words/1.1.0/bundle`);
  expect(bundle.status).toBe(404);
});
