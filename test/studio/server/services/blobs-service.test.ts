import {
  existsSync,
  mkdtempSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pluginId, runId, type BlobHandle, type Json } from '@runtime-hub/plugin-sdk/contract';
import { expect, onTestFinished, test } from 'vitest';
import {
  createBlobs,
  type BlobsOptions,
} from '../../../../studio/server/services/blobs-service.ts';
import { fakeClock } from '../../../kernel/capability/world.ts';

const signal = new AbortController().signal;
const code = (it: string) => ({ code: it });

function setUp(limits: Partial<Omit<BlobsOptions, 'clock' | 'folder'>> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'hub-blobs-'));
  const { advance, clock } = fakeClock();
  const blobs = createBlobs({ clock, folder, ...limits });
  onTestFinished(() => blobs.close());
  const folders = { a: blobs.access.open('a'), b: blobs.access.open('b') };
  const call = async (args: Json, host: string | null = 'a') => {
    const caller = { plugin: pluginId('core/screen'), run: runId('run-0001'), node: null };
    const where = { workspace: 'default', workflow: null, host };
    const use = { caller: { ...caller, ...where }, signal, permit: () => {} };
    const value = await blobs.service.call('put', args, use);
    // SAFETY: `put` answers with a handle.
    return value as unknown as BlobHandle;
  };
  const put = async (bytes: string) => {
    writeFileSync(join(folders.a.outFolder, 'new'), bytes);
    return await call({ file: 'new', mime: 'text/plain' });
  };
  return { advance, blobs, folder, folders, call, put };
}

test('a blob is read by the host that made it and by those it is shared with, and written by none', async () => {
  const { blobs, folders, put } = setUp();
  const handle = await put('hello');
  expect(handle).toMatchObject({ sizeBytes: 5, mime: 'text/plain' });
  expect(existsSync(join(folders.a.outFolder, 'new'))).toBe(false);
  const seen = join(folders.b.inFolder, handle.$blob);
  expect(existsSync(seen)).toBe(false);
  blobs.access.share({ deep: [{ image: { blob: handle } }] }, 'a', 'b');
  expect(readFileSync(seen, 'utf8')).toBe('hello');
  expect(statSync(seen).mode & 0o777).toBe(0o400);
  expect(statSync(seen).nlink).toBe(3);
  expect(Buffer.from(await blobs.read(handle)).toString()).toBe('hello');
});

test('the same bytes are kept once, under handles that tell nothing of each other', async () => {
  const { folders, put } = setUp();
  const [one, two] = [await put('same'), await put('same')];
  expect(one.$blob).not.toBe(two.$blob);
  expect(one.sha256).toBe(two.sha256);
  const inodes = [one, two].map(({ $blob }) => statSync(join(folders.a.inFolder, $blob)).ino);
  expect(new Set(inodes).size).toBe(1);
});

test('two puts of the same bytes at once both succeed', async () => {
  const { blobs, folders, call } = setUp();
  const names = ['one', 'two'];
  for (const name of names) writeFileSync(join(folders.a.outFolder, name), 'same');
  const handles = await Promise.all(
    names.map(async (file) => await call({ file, mime: 'text/plain' })),
  );
  for (const handle of handles) expect(await blobs.read(handle)).toHaveLength(4);
});

test('a handle that was not given to a host cannot be passed on by it, nor one that was changed', async () => {
  const { blobs, put } = setUp();
  const handle = await put('secret');
  const share = (value: Json, from: string | null) => () => blobs.access.share(value, from, 'b');
  const refused = expect.objectContaining(code('BLOB_NOT_FOUND'));
  expect(share(handle, 'b')).toThrow(refused);
  expect(share({ ...handle, $blob: '0'.repeat(32) }, null)).toThrow(refused);
  expect(share({ ...handle, sha256: '0'.repeat(64) }, 'a')).toThrow(refused);
  expect(share({ $blob: '../../etc/passwd' }, null)).toThrow(refused);
  await expect(blobs.read({ ...handle, sizeBytes: 1 })).rejects.toMatchObject(
    code('BLOB_NOT_FOUND'),
  );
});

test('a value of half a million numbers is walked', () => {
  const { blobs } = setUp();
  blobs.access.share(
    Array.from({ length: 500_000 }, () => 1),
    'a',
    'b',
  );
});

test.each(['../new', '/etc/passwd', '.', '..', '', 'a/b', 'a\0b'])(
  'the file name %j is refused',
  async (file) => {
    const { call } = setUp();
    await expect(call({ file, mime: 'x' })).rejects.toMatchObject(code('HUB_REQUEST_INVALID'));
  },
);

test('links, pipes, folders and foreign hosts are refused', async () => {
  const { folders, call } = setUp();
  symlinkSync('/etc/passwd', join(folders.a.outFolder, 'link'));
  execFileSync('mkfifo', [join(folders.a.outFolder, 'pipe')]);
  execFileSync('mkdir', [join(folders.a.outFolder, 'folder')]);
  for (const file of ['link', 'pipe', 'folder', 'absent']) {
    await expect(call({ file, mime: 'x' })).rejects.toMatchObject(code('BLOB_NOT_FOUND'));
  }
  writeFileSync(join(folders.a.outFolder, 'mine'), 'x');
  for (const host of ['c', null, '../a']) {
    const foreign = call({ file: 'mine', mime: 'x' }, host);
    await expect(foreign).rejects.toMatchObject(code('BLOB_NOT_FOUND'));
  }
});

test('a blob beyond the bound is refused, and the longest unused goes when all are too large', async () => {
  const { blobs, folders, put } = setUp({ maxBytesPerBlob: 10, maxBytesTotal: 20 });
  await expect(put('x'.repeat(11))).rejects.toMatchObject(code('BLOB_TOO_LARGE'));
  const [one, two] = [await put('1'.repeat(10)), await put('2'.repeat(10))];
  await blobs.read(one);
  await put('3'.repeat(10));
  await expect(blobs.read(two)).rejects.toMatchObject(code('BLOB_NOT_FOUND'));
  expect(existsSync(join(folders.a.inFolder, two.$blob))).toBe(false);
  expect(await blobs.read(one)).toHaveLength(10);
});

test('a plugin that keeps more than its share loses its own, not its neighbour’s', async () => {
  const { blobs } = setUp({ maxBytesPerPlugin: 25 });
  const by = (plugin: string) => ({
    ...{
      plugin: pluginId(plugin),
      run: null,
      workspace: 'default',
      workflow: null,
      node: null,
      host: null,
    },
  });
  const add = async (plugin: string, text: string) =>
    await blobs.add(Buffer.from(text.repeat(10)), 'text/plain', by(plugin));
  const neighbours = await add('acme/mail', 'n');
  const [first, second] = [await add('evil/flood', '1'), await add('evil/flood', '2')];
  await add('evil/flood', '3');
  await expect(blobs.read(first)).rejects.toMatchObject(code('BLOB_NOT_FOUND'));
  expect(await blobs.read(second)).toHaveLength(10);
  expect(await blobs.read(neighbours)).toHaveLength(10);
});

test('what a run made, a host’s folder and the whole store go with their owners', async () => {
  const { advance, blobs, folder, folders, put } = setUp();
  const handle = await put('x');
  blobs.access.share(handle, 'a', 'b');
  blobs.access.close('b');
  expect(existsSync(folders.b.inFolder)).toBe(false);
  expect(() => blobs.access.share(handle, 'a', 'b')).toThrow();
  blobs.runEnded(runId('run-0001'));
  expect(await blobs.read(handle)).toHaveLength(1);
  advance(60_000);
  await expect(blobs.read(handle)).rejects.toMatchObject(code('BLOB_NOT_FOUND'));
  blobs.close();
  expect(existsSync(folder)).toBe(false);
});
