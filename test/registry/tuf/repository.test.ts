import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { tufKeyId } from '../../../registry/tuf/keys.ts';
import { TufRepository } from '../../../registry/tuf/index.ts';
import { Ceremony, DAY_MS, Scene, newSigner } from './parts.ts';

describe('a repository at its first start', () => {
  test('makes keys that only its owner reads, and a root that names them', () => {
    using scene = new Scene();
    const keys = join(scene.folder, 'repository', 'keys');
    const names = readdirSync(keys);
    expect(names).toHaveLength(3);
    for (const name of names) expect(statSync(join(keys, name)).mode & 0o777).toBe(0o600);
    expect(statSync(keys).mode & 0o777).toBe(0o700);
    expect(scene.repository.rootSha256).toMatch(/^[0-9a-f]{64}$/u);
    expect(scene.repository.read('timestamp.json')).toBeNull();
  });

  test('keeps both when it is opened again', () => {
    using scene = new Scene();
    scene.publish('a');
    const again = new TufRepository({
      folder: join(scene.folder, 'repository'),
      now: () => scene.now,
    });
    expect(again.rootSha256).toBe(scene.repository.rootSha256);
    again.publish(new Map([['keyring.json', Buffer.from('b')]]));
    expect(scene.signedOf('timestamp.json').version).toBe(2);
  });

  test('takes a root that was signed elsewhere, and has none of its keys', () => {
    const ceremony = new Ceremony();
    using scene = new Scene(ceremony.prepare);
    scene.publish('a');
    const names = readdirSync(join(scene.folder, 'repository', 'keys'));
    expect(names).toHaveLength(2);
    for (const { id } of ceremony.holders) expect(names).not.toContain(`${id}.pem`);
  });
});

describe('a repository signs anew', () => {
  test('the timestamp alone when nothing changed but half of its life is over', () => {
    using scene = new Scene();
    scene.publish('a');
    const versions = () =>
      ['1.targets.json', '1.snapshot.json', 'timestamp.json'].map(
        (file) => scene.signedOf(file).version,
      );
    scene.now += 3 * DAY_MS;
    scene.repository.keepFresh();
    expect(versions()).toEqual([1, 1, 1]);
    scene.now += DAY_MS;
    scene.repository.keepFresh();
    expect(versions()).toEqual([1, 1, 2]);
    scene.publish('a');
    expect(versions()).toEqual([1, 1, 2]);
  });

  test('all when a target changed, and each file names the next', () => {
    using scene = new Scene();
    scene.publish('a');
    scene.publish('b');
    expect(scene.signedOf('timestamp.json')).toMatchObject({
      version: 2,
      meta: { 'snapshot.json': { version: 2 } },
    });
    expect(scene.signedOf('2.snapshot.json')).toMatchObject({
      meta: { 'targets.json': { version: 2 } },
    });
    expect(scene.signedOf('2.targets.json')).toMatchObject({
      targets: { 'keyring.json': { length: 1 } },
    });
  });

  test('its own root before it is over, and never one whose keys are elsewhere', () => {
    using scene = new Scene();
    scene.publish('a');
    scene.now += 200 * DAY_MS;
    scene.repository.keepFresh();
    expect(scene.signedOf('2.root.json')).toMatchObject({ version: 2 });
    expect(Date.parse(scene.signedOf('2.root.json').expires)).toBeGreaterThan(
      scene.now + 300 * DAY_MS,
    );
    using kept = new Scene(new Ceremony().prepare);
    kept.publish('a');
    kept.now += 90 * DAY_MS;
    kept.repository.keepFresh();
    expect(kept.repository.read('2.root.json')).toBeNull();
  });

  test('nothing before anything was published', () => {
    using scene = new Scene();
    scene.repository.keepFresh();
    expect(scene.repository.read('timestamp.json')).toBeNull();
  });
});

describe('a repository refuses', () => {
  test('more targets than the library can bear, and names that are no names', () => {
    using scene = new Scene();
    const many = new Map(
      Array.from({ length: 17 }, (_, at) => [`t${String(at)}.json`, Buffer.of(1)]),
    );
    expect(() => scene.repository.publish(many)).toThrow('few targets');
    for (const name of [
      '../root.json',
      'a/b.json',
      '.json',
      'A.json',
      'a.txt',
      `${'a'.repeat(64)}.json`,
    ])
      expect(() => scene.publish('x', name)).toThrow('no name of a target');
  });

  test('a next root with too few signatures, another version, or keys that are not here', () => {
    const ceremony = new Ceremony();
    using scene = new Scene(ceremony.prepare);
    const [one, two, three] = ceremony.holders;
    const add = (text: string) => () => scene.repository.addRoot(text);
    expect(add(ceremony.root(2, [one]))).toThrow();
    expect(add(ceremony.root(2, [one, one]))).toThrow();
    expect(add(ceremony.root(3, [one, two]))).toThrow('version 2');
    expect(add(ceremony.root(1, [one, two]))).toThrow('version 2');
    const strangers = [newSigner(), newSigner(), newSigner()];
    expect(add(ceremony.root(2, strangers, { keys: strangers }))).toThrow();
    expect(add(ceremony.root(2, [one, two], { keys: strangers }))).toThrow();
    expect(add(ceremony.root(2, [one, two], { online: newSigner().key }))).toThrow(
      'not in the folder',
    );
    expect(add('{}')).toThrow();
    expect(scene.repository.read('2.root.json')).toBeNull();
    expect(add(ceremony.root(2, [two, three]))).not.toThrow();
  });

  test('a root in which fewer keys than must sign are different ones', () => {
    const ceremony = new Ceremony();
    const [one] = ceremony.holders;
    expect(() => ceremony.root(1, [one], { keys: [one, one], threshold: 2 })).toThrow('fewer keys');
    expect(() => ceremony.root(1, [one], { threshold: 0 })).toThrow('fewer keys');
    expect(tufKeyId(one.key)).toBe(one.id);
  });

  test.each([
    ['root.json'],
    ['../keys/x.pem'],
    ['targets/../1.root.json'],
    ['0.root.json'],
    ['1.timestamp.json'],
    ['targets.json'],
    ['timestamp.json.new'],
    [''],
    ['targets/'],
    ['1.root.json\n'],
  ])('to serve %j', (path) => {
    using scene = new Scene();
    scene.publish('a');
    expect(scene.repository.read(path)).toBeNull();
  });
});
