import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { Ceremony, DAY_MS, Scene, forge, newSigner } from '../../registry/tuf/parts.ts';
import { playTries, type Try } from './tries.ts';

/** What a client gets of a repository after somebody between the two did this. */
const meddled = (
  name: string,
  meddle: (scene: Scene) => void | Promise<void>,
  code: Try['code'] = 'REGISTRY_METADATA_REFUSED',
): Try => ({
  name,
  code,
  act: async () => {
    using scene = new Scene();
    scene.publish('first');
    await meddle(scene);
    return await scene.client().targets(['keyring.json']);
  },
});
const targetOf = (text: string): string =>
  `targets/${createHash('sha256').update(text).digest('hex')}.keyring.json`;
const contentOf = (scene: Scene, path: string): object => {
  const { version: _v, expires: _e, _type, spec_version: _s, ...content } = scene.signedOf(path);
  return content;
};

test('the repository that is meddled with is believed when nobody does', async () => {
  using scene = new Scene();
  scene.publish('first');
  expect(await scene.outcome()).toBe('first');
});

playTries('a root of trust that somebody meddled with', [
  meddled('an older timestamp than was seen', async (scene) => {
    const old = scene.file('timestamp.json');
    scene.publish('second');
    await scene.client().targets(['keyring.json']);
    scene.forged.set('timestamp.json', old);
  }),
  meddled('an older snapshot under a newer timestamp', (scene) => {
    const old = scene.file('1.snapshot.json');
    scene.publish('second');
    scene.forged.set('2.snapshot.json', old);
  }),
  meddled(
    'a timestamp that was held back for a week',
    (scene) => {
      scene.now = Date.now() - 8 * DAY_MS;
      scene.publish('second');
    },
    'REGISTRY_METADATA_EXPIRED',
  ),
  ...(['timestamp', 'snapshot', 'targets'] as const).map((role) =>
    meddled(`a ${role} signed by a stranger`, (scene) => {
      const path = role === 'timestamp' ? 'timestamp.json' : `1.${role}.json`;
      scene.forged.set(path, forge(role, 2, contentOf(scene, path), [newSigner()]));
    }),
  ),
  meddled(
    'a target of the same length but other bytes',
    (scene) => void scene.forged.set(targetOf('first'), Buffer.from('worse')),
  ),
  meddled(
    'an endless timestamp',
    (scene) => void scene.forged.set('timestamp.json', Buffer.alloc(10_000_000, ' ')),
  ),
  meddled('a next root of strangers', (scene) => {
    const strangers = new Ceremony();
    const root = strangers.root(2, strangers.holders);
    scene.forged.set('2.root.json', Buffer.from(root));
  }),
  {
    name: 'a next root that too few of the old keys signed',
    code: 'REGISTRY_METADATA_REFUSED',
    act: async () => {
      const ceremony = new Ceremony();
      using scene = new Scene(ceremony.prepare);
      scene.publish('first');
      const next = ceremony.root(2, ceremony.holders.slice(0, 1));
      scene.forged.set('2.root.json', Buffer.from(next));
      return await scene.client().targets(['keyring.json']);
    },
  },
  {
    name: 'a next root that skips a version',
    code: 'REGISTRY_METADATA_REFUSED',
    act: async () => {
      const ceremony = new Ceremony();
      using scene = new Scene(ceremony.prepare);
      scene.publish('first');
      scene.forged.set('2.root.json', Buffer.from(ceremony.root(3, ceremony.holders)));
      return await scene.client().targets(['keyring.json']);
    },
  },
  {
    name: 'a root that is not the one whose fingerprint was given',
    code: 'REGISTRY_IDENTITY_MISMATCH',
    act: async () => {
      using scene = new Scene();
      scene.publish('first');
      return await scene.client('0'.repeat(64)).targets(['keyring.json']);
    },
  },
]);
