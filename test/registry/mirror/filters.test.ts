import { afterEach, beforeEach, expect, test } from 'vitest';
import { bringUpToDate } from '../../../registry/mirror/index.ts';
import { makePublisher, publishOne } from '../open-registry.ts';
import { mirrorScene, type MirrorScene } from './mirror-scene.ts';

const HOUR_MS = 3_600_000;
let scene: MirrorScene;
beforeEach(async () => {
  scene = await mirrorScene();
});
afterEach(async () => await scene[Symbol.asyncDispose]());

test('allow, deny and ranges decide what is handed on, and a later denial takes it back', async () => {
  await scene.publish('words', '1.0.0');
  await scene.publish('words', '2.0.0');
  await scene.publish('secret', '1.0.0');
  const globex = await makePublisher(scene.at, 'globex');
  await publishOne(scene.at, globex, 'tool');
  const uplink = await scene.uplink({
    allow: ['acme/*'],
    deny: ['acme/secret'],
    ranges: [{ match: 'acme/*', range: '^1' }],
  });
  expect(await scene.look(uplink)).toMatchObject({
    taken: [{ id: 'acme/words', version: '1.0.0' }],
    keptBack: [
      { id: 'acme/words', version: '2.0.0', rule: 'range' },
      { id: 'acme/secret', version: '1.0.0', rule: 'deny' },
    ],
  });
  const stricter = await scene.uplink({ allow: ['acme/*'], deny: ['acme/*'] });
  expect(await scene.look(stricter)).toMatchObject({
    changed: [{ id: 'acme/words', version: '1.0.0', state: 'dropped' }],
  });
});

test('a version waits until the origin’s own log is old enough, whatever this machine’s clock says', async () => {
  await scene.publish('words', '1.0.0');
  const uplink = await scene.uplink({ minAgeHours: 72 });
  const waiting = { taken: [], keptBack: [{ version: '1.0.0', rule: 'min-age' }] };
  expect(await scene.look(uplink)).toMatchObject(waiting);
  const ports = { folder: scene.folder, uplink, own: new Set<string>() };
  const ahead = { ...ports, now: () => scene.at.clock.now() + 100 * HOUR_MS };
  expect(await bringUpToDate(ahead, { url: scene.at.url })).toMatchObject(waiting);
  scene.at.clock.advance(73 * HOUR_MS);
  expect(await scene.look(uplink)).toMatchObject({ taken: [{ version: '1.0.0' }], keptBack: [] });
});

test('a namespace of the mirroring registry itself is never taken from elsewhere', async () => {
  await scene.publish('words', '99.0.0');
  const uplink = await scene.uplink();
  const own = new Set(['acme']);
  const ports = { folder: scene.folder, uplink, own, now: () => scene.at.clock.now() };
  expect(await bringUpToDate(ports, { url: scene.at.url })).toMatchObject({
    taken: [],
    keptBack: [{ version: '99.0.0', rule: 'own-namespace' }],
  });
});

test('what is not yet let go at the origin is not taken, and of a private namespace nothing is', async () => {
  const hidden = await makePublisher(scene.at, 'hidden', { visibility: 'private' });
  await publishOne(scene.at, hidden, 'tool');
  const slow = await makePublisher(scene.at, 'slow', { review: true });
  await publishOne(scene.at, slow, 'tool');
  const uplink = await scene.uplink();
  expect(await scene.look(uplink)).toMatchObject({ taken: [], keptBack: [], refused: [] });
});
