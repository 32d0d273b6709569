import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { HubError } from '@runtime-hub/plugin-sdk/contract';
import { makeTufKey } from '../../../registry/tuf/keys.ts';
import { pinOf } from '../../../registry/tuf/metadata.ts';
import { Ceremony, DAY_MS, Scene, forge, newSigner } from './parts.ts';
import { join } from 'node:path';

const REFUSED = 'REGISTRY_METADATA_REFUSED';
const EXPIRED = 'REGISTRY_METADATA_EXPIRED';

describe('a client', () => {
  test('gets what was published, and what replaces it', async () => {
    using scene = new Scene();
    scene.publish('first');
    expect(await scene.outcome()).toBe('first');
    scene.publish('second');
    expect(await scene.outcome()).toBe('second');
    expect(await scene.outcome('revocations.json')).toBe('missing');
  });

  test('gets all the files that trust hangs on at once', async () => {
    using scene = new Scene();
    const names = ['trusted_root.json', 'keyring.json', 'revocations.json', 'namespaces.json'];
    scene.repository.publish(
      new Map(names.map((name) => [name, Buffer.from(`{"name":"${name}"}`)])),
    );
    const targets = await scene.client().targets(names);
    expect([...targets.keys()]).toEqual(names);
    for (const name of names) expect(targets.get(name)?.toString()).toBe(`{"name":"${name}"}`);
  });

  test('believes the first root only by its fingerprint', async () => {
    using scene = new Scene();
    scene.publish('a');
    using evil = new Scene();
    evil.publish('evil');
    expect(await scene.outcome('keyring.json', evil.repository.rootSha256)).toBe(
      'REGISTRY_IDENTITY_MISMATCH',
    );
    scene.forged.set('1.root.json', evil.file('1.root.json'));
    expect(await scene.outcome()).toBe('REGISTRY_IDENTITY_MISMATCH');
  });

  test('asks for the first root once, and keeps nothing of what it had under another fingerprint', async () => {
    using scene = new Scene();
    scene.publish('a');
    await scene.outcome();
    await scene.outcome();
    expect(scene.asked.filter((path) => path === '1.root.json')).toHaveLength(1);
    await scene.outcome('keyring.json', '0'.repeat(64));
    expect(scene.asked.filter((path) => path === '1.root.json')).toHaveLength(2);
  });

  test('passes on what the network threw, at whatever file', async () => {
    for (const stop of [0, 1, 2, 3, 4, 5]) {
      using scene = new Scene();
      scene.publish('a');
      const broken = new ReadableStream<Uint8Array>({
        pull: (controller) =>
          controller.error(new HubError('REGISTRY_UNREACHABLE', { registry: 'r', detail: 'cut' })),
      });
      const client = scene.client();
      const files = [
        '1.root.json',
        '2.root.json',
        'timestamp.json',
        '1.snapshot.json',
        '1.targets.json',
        `targets/${pinOf(Buffer.from('a')).hashes.sha256}.keyring.json`,
      ];
      scene.forged.set(files[stop] ?? '', broken);
      await expect(client.targets(['keyring.json'])).rejects.toMatchObject({
        code: 'REGISTRY_UNREACHABLE',
      });
    }
  });

  test('fails with the network’s own error when there is none', async () => {
    using scene = new Scene();
    scene.publish('a');
    scene.failure = new HubError('REGISTRY_UNREACHABLE', { registry: 'r', detail: 'down' });
    expect(await scene.outcome()).toBe('REGISTRY_UNREACHABLE');
  });
});

describe('rollback', () => {
  test('of the timestamp, and so of all, is refused, also by a client that starts again', async () => {
    using scene = new Scene();
    scene.publish('first');
    const old = scene.file('timestamp.json');
    scene.publish('second');
    expect(await scene.outcome()).toBe('second');
    scene.forged.set('timestamp.json', old);
    expect(await scene.outcome()).toBe(REFUSED);
    scene.forged.clear();
    expect(await scene.outcome()).toBe('second');
  });

  test('of the snapshot or the targets under a newer timestamp is refused', async () => {
    for (const role of ['snapshot', 'targets'] as const) {
      using scene = new Scene();
      scene.publish('first');
      const old = scene.file(`1.${role}.json`);
      scene.publish('second');
      scene.forged.set(`2.${role}.json`, old);
      expect(await scene.outcome()).toBe(REFUSED);
    }
  });

  test('of a target to its earlier bytes is refused', async () => {
    using scene = new Scene();
    scene.publish('first');
    scene.publish('other');
    scene.forged.set(
      `targets/${pinOf(Buffer.from('other')).hashes.sha256}.keyring.json`,
      Buffer.from('first'),
    );
    expect(await scene.outcome()).toBe(REFUSED);
  });
});

describe('freeze', () => {
  test('a timestamp older than a week is refused, and a new one heals it', async () => {
    using scene = new Scene();
    scene.now = Date.now() - 8 * DAY_MS;
    scene.publish('a');
    expect(await scene.outcome()).toBe(EXPIRED);
    scene.now = Date.now();
    scene.repository.keepFresh();
    expect(await scene.outcome()).toBe('a');
  });

  test('a client that had it while it was new refuses it when it is over', async () => {
    using scene = new Scene();
    scene.now = Date.now() - 8 * DAY_MS;
    scene.publish('a');
    const stale = scene.file('timestamp.json');
    scene.now = Date.now();
    scene.repository.keepFresh();
    await scene.outcome();
    scene.forged.set('timestamp.json', stale);
    expect(await scene.outcome()).toBe(REFUSED);
  });

  test('a root that is over is refused', async () => {
    using scene = new Scene();
    scene.now = Date.now() - 400 * DAY_MS;
    scene.publish('a');
    expect(await scene.outcome()).toBe(EXPIRED);
  });
});

describe('signatures', () => {
  test('by keys that the root does not name are refused, in every role', async () => {
    for (const [path, role] of [
      ['timestamp.json', 'timestamp'],
      ['1.snapshot.json', 'snapshot'],
      ['1.targets.json', 'targets'],
    ] as const) {
      using scene = new Scene();
      scene.publish('a');
      const {
        version,
        expires: _expires,
        _type,
        spec_version: _spec,
        ...content
      } = scene.signedOf(path);
      scene.forged.set(path, forge(role, version, content, [newSigner()]));
      expect(await scene.outcome()).toBe(REFUSED);
    }
  });

  test('that are missing are refused', async () => {
    using scene = new Scene();
    scene.publish('a');
    const { signed } = JSON.parse(scene.file('timestamp.json').toString()) as { signed: unknown };
    scene.forged.set('timestamp.json', Buffer.from(JSON.stringify({ signed, signatures: [] })));
    expect(await scene.outcome()).toBe(REFUSED);
  });

  test('over other words are refused', async () => {
    using scene = new Scene();
    scene.publish('a');
    const changed = scene.file('timestamp.json').toString().replace('"version":1', '"version":7');
    scene.forged.set('timestamp.json', Buffer.from(changed));
    expect(await scene.outcome()).toBe(REFUSED);
  });

  test('of one role do not do for another', async () => {
    using scene = new Scene();
    scene.publish('a');
    scene.forged.set('timestamp.json', scene.file('1.targets.json'));
    expect(await scene.outcome()).toBe(REFUSED);
  });
});

describe('a change of the root, of which two of three must sign', () => {
  const started = async () => {
    const ceremony = new Ceremony();
    const scene = new Scene(ceremony.prepare);
    scene.publish('a');
    expect(await scene.outcome()).toBe('a');
    return { ceremony, scene };
  };

  test('to other keys is followed, one root after the other, and the old keys say nothing any more', async () => {
    const { ceremony, scene } = await started();
    using _ = scene;
    const [one, two, three] = ceremony.holders;
    const fresh = [newSigner(), newSigner(), newSigner()] as const;
    scene.repository.addRoot(ceremony.root(2, [one, three, fresh[0], fresh[1]], { keys: fresh }));
    scene.publish('b');
    expect(await scene.outcome()).toBe('b');
    scene.forged.set('3.root.json', Buffer.from(ceremony.root(3, [one, two, three])));
    expect(await scene.outcome()).toBe(REFUSED);
  });

  test('by one key alone, by one twice, or by strangers is refused', async () => {
    const { ceremony, scene } = await started();
    using _ = scene;
    const [one] = ceremony.holders;
    const strangers = [newSigner(), newSigner(), newSigner()];
    for (const root of [
      ceremony.root(2, [one]),
      ceremony.root(2, [one, one]),
      ceremony.root(2, strangers),
      ceremony.root(2, strangers, { keys: strangers }),
      ceremony.root(2, [one, ...strangers], { keys: [one, ...strangers] }),
      ceremony.root(2, [one], { threshold: 1 }),
    ]) {
      scene.forged.set('2.root.json', Buffer.from(root));
      expect(await scene.outcome()).toBe(REFUSED);
    }
  });

  test('that the new keys did not sign is refused', async () => {
    const { ceremony, scene } = await started();
    using _ = scene;
    const fresh = [newSigner(), newSigner(), newSigner()];
    scene.forged.set(
      '2.root.json',
      Buffer.from(ceremony.root(2, ceremony.holders, { keys: fresh })),
    );
    expect(await scene.outcome()).toBe(REFUSED);
  });

  test('that skips a version, or repeats one, is refused', async () => {
    const { ceremony, scene } = await started();
    using _ = scene;
    for (const version of [1, 3]) {
      scene.forged.set('2.root.json', Buffer.from(ceremony.root(version, ceremony.holders)));
      expect(await scene.outcome()).toBe(REFUSED);
    }
  });

  test('to another key for every day makes what the old one signed worthless', async () => {
    const { ceremony, scene } = await started();
    using _ = scene;
    const before = scene.file('timestamp.json');
    const { key } = makeTufKey(join(scene.folder, 'repository', 'keys'));
    const root = ceremony.root(2, ceremony.holders, { online: key });
    scene.reopened().addRoot(root);
    expect(await scene.outcome()).toBe('a');
    scene.forged.set('timestamp.json', before);
    expect(await scene.outcome()).toBe(REFUSED);
  });
});

describe('endless data', () => {
  test.each([
    ['1.root.json', 512_000],
    ['2.root.json', 512_000],
    ['timestamp.json', 16_384],
    ['1.snapshot.json', 100_000],
    ['1.targets.json', 100_000],
    [`targets/${createHash('sha256').update('a').digest('hex')}.keyring.json`, 1],
  ])('in place of %s is cut off, and the connection closed', async (path, most) => {
    using scene = new Scene();
    scene.publish('a');
    let [sent, isClosed] = [0, false];
    const endless = new ReadableStream<Uint8Array>(
      {
        pull: (controller) => {
          sent += 1024;
          controller.enqueue(new Uint8Array(1024));
        },
        cancel: () => void (isClosed = true),
      },
      { highWaterMark: 0 },
    );
    scene.forged.set(path, endless);
    expect(await scene.outcome()).toBe(REFUSED);
    expect(sent).toBeLessThanOrEqual(most + 4096);
    expect(isClosed).toBe(true);
  });

  test('a target of the same length but other bytes is refused', async () => {
    using scene = new Scene();
    scene.publish('aaaa');
    scene.forged.set(
      `targets/${pinOf(Buffer.from('aaaa')).hashes.sha256}.keyring.json`,
      Buffer.from('aaab'),
    );
    expect(await scene.outcome()).toBe(REFUSED);
  });

  test('answers that are no metadata are refused', async () => {
    for (const answer of ['', '{', 'null', '[]', '{"signed":{}}', '<html>']) {
      using scene = new Scene();
      scene.publish('a');
      scene.forged.set('timestamp.json', Buffer.from(answer));
      expect(await scene.outcome()).toBe(REFUSED);
    }
  });

  test('a server that answers 500 is no end of the roots', async () => {
    using scene = new Scene();
    scene.publish('a');
    scene.forged.set('2.root.json', 500);
    expect(await scene.outcome()).toBe('REGISTRY_UNREACHABLE');
  });
});
