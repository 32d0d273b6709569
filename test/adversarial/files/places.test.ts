import {
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import { ask, caller } from '../../kernel/capability/world.ts';
import { blobHandle, makePipe, serviceOf } from '../../studio/server/services/files/file-stage.ts';
import { playFileAttacks, type FileAttack } from './siege.ts';

const ALL = { permissions: [ask('fs.read', '*'), ask('fs.write', '*')] };
const NOBODY = 65_534;
const SYSTEM = [
  '/proc/self/environ',
  '/proc/1/environ',
  '/proc/thread-self/fd/1',
  '/proc/self/cwd/package.json',
  '/proc/self/root/etc/hostname',
  '/proc/self/mem',
  '/proc/version',
  '/sys/kernel/notes',
  '/dev/zero',
  '/dev/tty',
  '/dev/stdin',
  '/dev/shm/of-the-hub',
];

const onData = (name: string, act: FileAttack['act']): FileAttack => ({
  name,
  expect: 'FILE_REFUSED',
  options: { ...ALL, data: 'apps/hub-data' },
  act,
});

const onPipe = (name: string, act: FileAttack['act'], more?: FileAttack['expect']): FileAttack => ({
  name,
  expect: more ?? 'FILE_REFUSED',
  act: async (it) => {
    makePipe(it.at('pipe'));
    return await act(it);
  },
});

playFileAttacks([
  ...SYSTEM.map((path): FileAttack => ({
    name: `${path} is the system's, even for who may read everything`,
    expect: 'FILE_REFUSED',
    options: ALL,
    act: async (it) => await it.read(path, 'blob'),
  })),
  ...['/proc', '/proc/self', '/dev', '/sys/class'].map((path): FileAttack => ({
    name: `${path} is not listed`,
    expect: 'FILE_REFUSED',
    options: ALL,
    act: async (it) => await it.call('fs.read', 'list', { path }),
  })),
  ...['/proc/self/comm', '/dev/null', '/dev/shm/new'].map((path): FileAttack => ({
    name: `${path} is not written to`,
    expect: 'FILE_REFUSED',
    options: ALL,
    act: async (it) => await it.write(path),
  })),
  onData('the hub’s database is not read', async (it) => await it.read('~/apps/hub-data/hub.db')),
  {
    ...onData(
      'the hub’s database is not read by its name from the root',
      async (it) => await it.read(join(it.data, 'hub.db')),
    ),
    saysHome: true,
  },
  onData(
    'the hub’s folder is not listed',
    async (it) => await it.call('fs.read', 'list', { path: '~/apps/hub-data' }),
  ),
  onData(
    'the hub’s folder is not watched',
    async (it) =>
      await it.call('fs.read', 'wait-for-change', {
        path: '~/apps/hub-data',
        after: 0,
        timeoutMs: 1,
      }),
  ),
  onData(
    'of the hub’s files nothing is told',
    async (it) => await it.call('fs.read', 'stat', { path: '~/apps/hub-data/hub.db' }),
  ),
  onData(
    'the hub’s database is not replaced',
    async (it) => await it.write('~/apps/hub-data/hub.db'),
  ),
  onData('no file is put among the hub’s', async (it) => await it.write('~/apps/hub-data/new')),
  onData(
    'no folder is made among the hub’s',
    async (it) => await it.call('fs.write', 'make-folder', { path: '~/apps/hub-data/new' }),
  ),
  onData('what undoes changes is not read', async (it) => {
    await it.write('~/a');
    return await it.call('fs.read', 'list', { path: '~/apps/hub-data/undo' });
  }),
  onData(
    'the hub’s database is not removed',
    async (it) => await it.call('fs.write', 'remove', { path: '~/apps/hub-data/hub.db' }),
  ),
  onData(
    'the hub’s folder is not removed',
    async (it) => await it.call('fs.write', 'remove', { path: '~/apps/hub-data' }),
  ),
  onData(
    'the hub’s folder is not moved',
    async (it) => await it.call('fs.write', 'move', { path: '~/apps/hub-data', to: '~/mine' }),
  ),
  onData(
    'a folder that holds the hub’s is not moved',
    async (it) => await it.call('fs.write', 'move', { path: '~/apps', to: '~/mine' }),
  ),
  onData('nothing is moved among the hub’s files', async (it) => {
    writeFileSync(it.at('a'), 'x');
    return await it.call('fs.write', 'move', { path: '~/a', to: '~/apps/hub-data/a' });
  }),
  onPipe('a pipe is not read, and holds nobody up', async (it) => await it.read('~/pipe')),
  onPipe('a pipe is not replaced', async (it) => await it.write('~/pipe')),
  onPipe('a pipe is not appended to', async (it) => await it.write('~/pipe', 'x', 'append')),
  onPipe(
    'a pipe is not removed',
    async (it) => await it.call('fs.write', 'remove', { path: '~/pipe' }),
  ),
  onPipe(
    'a pipe is not moved',
    async (it) => await it.call('fs.write', 'move', { path: '~/pipe', to: '~/a' }),
  ),
  onPipe(
    'of a pipe is told that it is no file',
    async (it) => (await it.call('fs.read', 'stat', { path: '~/pipe' }))['kind'],
    { out: 'other' },
  ),
  {
    name: 'a socket is not read',
    expect: 'FILE_REFUSED',
    act: async (it) => {
      await using server = createServer();
      const { promise, resolve } = Promise.withResolvers<void>();
      server.listen(it.at('socket'), resolve);
      await promise;
      return await it.read('~/socket');
    },
  },
  {
    name: 'a folder is not read as a file',
    expect: 'FILE_REFUSED',
    act: async (it) => {
      mkdirSync(it.at('f'));
      return await it.read('~/f');
    },
  },
  {
    name: 'a file of a terabyte of nothing is refused before a byte is read',
    expect: 'FILE_TOO_LARGE',
    act: async (it) => {
      writeFileSync(it.at('a'), '');
      truncateSync(it.at('a'), 2 ** 40);
      return await it.read('~/a', 'blob');
    },
  },
  ...(['write', 'remove'] as const).map((operation): FileAttack => ({
    name: `“${operation}” of a file too large to bring back is refused`,
    expect: 'FILE_TOO_LARGE',
    act: async (it) => {
      writeFileSync(it.at('a'), '');
      truncateSync(it.at('a'), 2 ** 30);
      if (operation === 'write') return await it.write('~/a', 'x', 'append');
      return await it.call('fs.write', 'remove', { path: '~/a' });
    },
  })),
  {
    name: 'a file does not grow over its bound bit by bit',
    expect: 'FILE_TOO_LARGE',
    act: async (it) => {
      writeFileSync(it.at('a'), '');
      truncateSync(it.at('a'), 67_108_864);
      return await it.write('~/a', 'x', 'append');
    },
  },
  {
    name: 'a disk with no room to undo a change keeps the file as it was',
    expect: 'FILE_REFUSED',
    options: { maxBytesPerRun: 1000 },
    act: async (it) => {
      writeFileSync(it.at('a'), 'a'.repeat(1001));
      const error = await it.write('~/a', 'x').catch((it: unknown) => it);
      expect(readFileSync(it.at('a'), 'utf8')).toBe('a'.repeat(1001));
      expect(readdirSync(it.home)).toEqual(['a', 'hub-data']);
      throw error;
    },
  },
  {
    name: 'another user’s file is not removed, since it could not be brought back as it was',
    expect: { out: [true, true] },
    act: async (it) => {
      // Root may do all, so that it is nobody for a while.
      const isRoot = process.geteuid?.() === 0;
      const path = isRoot ? '~/theirs' : '/etc/passwd';
      writeFileSync(it.at('theirs'), 'theirs');
      if (isRoot) for (const folder of [it.root, it.home]) chownSync(folder, NOBODY, NOBODY);
      const { signal } = new AbortController();
      const use = { caller, signal, permit: () => {} };
      if (isRoot) process.seteuid?.(NOBODY);
      const error = await serviceOf(it.services, 'fs.write')
        .call('remove', { path }, use)
        .catch((thrown: unknown) => thrown)
        .finally(() => isRoot && process.seteuid?.(0));
      expect(error).toMatchObject({ code: 'FILE_REFUSED' });
      return [String(error).includes('another user'), existsSync(it.at('theirs'))];
    },
  },
  {
    name: 'two hundred refusals leave nothing open',
    expect: { out: true },
    act: async (it) => {
      mkdirSync(it.at('f'));
      makePipe(it.at('pipe'));
      symlinkSync(it.outside, it.at('link'));
      const all = async () =>
        await Promise.allSettled([
          ...['~/pipe', '~/link/secret', '~/none', '~/f', '/proc/self/environ', '~/pipe/a'].map(
            async (path) => await it.read(path),
          ),
          ...['~/pipe', '~/link', '~/f', '~/none/a', '/dev/null'].map(
            async (path) => await it.write(path),
          ),
          it.call('fs.read', 'wait-for-change', { path: '~/link', after: 0, timeoutMs: 1 }),
          it.call('fs.write', 'move', { path: '~/f', to: '~/f/in' }),
          it.call('fs.write', 'move', { path: '~/pipe', to: '~/b' }),
        ]);
      await all();
      const open = (): number => readdirSync('/proc/self/fd').length;
      const before = open();
      for (let round = 0; round < 15; round += 1) {
        const done = await all();
        expect(done.map(({ status }) => status)).not.toContain('fulfilled');
      }
      await vi.waitFor(() => expect(open()).toBeLessThanOrEqual(before));
      return true;
    },
  },
  {
    name: 'a bound above the highest is no argument',
    expect: 'STEP_INPUT_INVALID',
    act: async (it) =>
      await it.call('fs.read', 'read', { path: '~/a', keep: 'blob', maxBytes: 67_108_865 }),
  },
  {
    name: 'a blob that was never given is not written to a file',
    expect: 'BLOB_NOT_FOUND',
    act: async (it) => await it.write('~/a', blobHandle(99, 1)),
  },
  {
    name: 'a name that is no text is left out of a list, and one with a line break is only a text in it',
    expect: { out: ['a\nb'] },
    act: async (it) => {
      mkdirSync(it.at('f'));
      writeFileSync(Buffer.concat([Buffer.from(it.at('f/')), Buffer.from([0xff, 0xfe])]), '');
      writeFileSync(it.at('f/a\nb'), '');
      const { entries } = await it.call('fs.read', 'list', { path: '~/f' });
      // SAFETY: the broker checked the result against the contract.
      return (entries as readonly { readonly name: string }[]).map(({ name }) => name);
    },
  },
]);
