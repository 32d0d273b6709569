import { mkdirSync, symlinkSync, utimesSync, writeFileSync, linkSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import type { JsonObject } from '@runtime-hub/plugin-sdk/contract';
import { expect, test } from 'vitest';
import { blobHandle, expectRefusal, fileStage, makePipe } from './file-stage.ts';

test('a text is read with its size and time, in the home and outside of it', async () => {
  const stage = fileStage();
  const outside = join(stage.root, 'outside.txt');
  for (const file of [outside, join(stage.home, 'a.txt')]) {
    writeFileSync(file, '﻿grüße');
    utimesSync(file, 1, 1_700_000_000.25);
  }
  for (const path of [outside, '~/a.txt']) {
    expect(await stage.call('fs.read', 'read', { path, keep: 'text' })).toEqual({
      text: 'grüße',
      sizeBytes: 10,
      modifiedAt: 1_700_000_000_250,
    });
  }
});

test('an empty file, and one of several chunks, are read whole', async () => {
  const stage = fileStage();
  writeFileSync(join(stage.home, 'empty'), '');
  expect(await stage.call('fs.read', 'read', { path: '~/empty', keep: 'text' })).toMatchObject({
    text: '',
    sizeBytes: 0,
  });
  const bytes = Buffer.alloc(1_000_000, 'abc');
  writeFileSync(join(stage.home, 'large'), bytes);
  const { blob } = await stage.call('fs.read', 'read', { path: '~/large', keep: 'blob' });
  expect(blob).toEqual(blobHandle(0, 1_000_000, 'application/octet-stream'));
  expect([...stage.blobs.values()][0]?.equals(bytes)).toBe(true);
});

test('a file over its bound is refused, and read at the bound', async () => {
  const stage = fileStage();
  const file = join(stage.home, 'a');
  writeFileSync(file, 'x'.repeat(524_289));
  const read = async (more: JsonObject) =>
    await stage.call('fs.read', 'read', { path: '~/a', keep: 'text', ...more });
  await expectRefusal(stage, read({}), 'FILE_TOO_LARGE');
  await expectRefusal(stage, read({ keep: 'blob', maxBytes: 524_288 }), 'FILE_TOO_LARGE');
  expect(await read({ keep: 'blob', maxBytes: 524_289 })).toMatchObject({ sizeBytes: 524_289 });
  truncateSync(file, 524_288);
  expect(await read({})).toMatchObject({ sizeBytes: 524_288 });
});

test('what is no text is refused as text, and what would not fit a frame', async () => {
  const stage = fileStage();
  writeFileSync(join(stage.home, 'binary'), Buffer.from([0xff, 0xfe, 0]));
  writeFileSync(join(stage.home, 'nulls'), Buffer.alloc(500_000));
  writeFileSync(join(stage.home, 'mixed'), '\0'.repeat(110_000) + '中'.repeat(138_000));
  const read = async (path: string) => await stage.call('fs.read', 'read', { path, keep: 'text' });
  await expectRefusal(stage, read('~/binary'), 'FILE_REFUSED');
  await expectRefusal(stage, read('~/nulls'), 'FILE_TOO_LARGE');
  await expectRefusal(stage, read('~/mixed'), 'FILE_TOO_LARGE');
});

test('a folder is listed sorted, links and pipes as what they are, and in part beyond the limit', async () => {
  const stage = fileStage();
  mkdirSync(join(stage.home, 'f/sub'), { recursive: true });
  writeFileSync(join(stage.home, 'f/b'), '12');
  linkSync(join(stage.home, 'f/b'), join(stage.home, 'f/hard'));
  symlinkSync('/etc', join(stage.home, 'f/a'));
  makePipe(join(stage.home, 'f/pipe'));
  const list = async (more: JsonObject = {}) =>
    await stage.call<{ entries: readonly JsonObject[] }>('fs.read', 'list', {
      path: '~/f',
      ...more,
    });
  const all = await list();
  expect(all.entries.map(({ name, kind }) => [name, kind])).toEqual([
    ['a', 'link'],
    ['b', 'file'],
    ['hard', 'file'],
    ['pipe', 'other'],
    ['sub', 'folder'],
  ]);
  expect(all).toMatchObject({ truncated: false });
  expect(await list({ limit: 2 })).toMatchObject({ entries: { length: 2 }, truncated: true });
  expect(await list({ limit: 5 })).toMatchObject({ entries: { length: 5 }, truncated: false });
  await expectRefusal(stage, stage.call('fs.read', 'list', { path: '~/f/b' }), 'FILE_REFUSED');
  await expectRefusal(stage, stage.call('fs.read', 'list', { path: '~/none' }), 'FILE_NOT_FOUND');
});

test('a folder of many long names is given in part, so that it fits a frame', async () => {
  const stage = fileStage();
  for (let index = 0; index < 3000; index += 1)
    writeFileSync(join(stage.home, `${String(index)}${'x'.repeat(250)}`), '');
  const listed = await stage.call('fs.read', 'list', { path: '~', limit: 10_000 });
  expect(listed).toMatchObject({ truncated: true });
  expect(JSON.stringify(listed).length).toBeLessThan(1_000_000);
});

test('stat tells what there is, a link itself, and null for nothing', async () => {
  const stage = fileStage();
  writeFileSync(join(stage.home, 'a'), '123');
  symlinkSync('a', join(stage.home, 'link'));
  const stat = async (path: string) => await stage.call('fs.read', 'stat', { path });
  expect(await stat('~/a')).toMatchObject({ kind: 'file', sizeBytes: 3 });
  expect(await stat('~')).toMatchObject({ kind: 'folder' });
  expect(await stat('/')).toMatchObject({ kind: 'folder' });
  expect(await stat('~/link')).toMatchObject({ kind: 'link' });
  expect(await stat('~/none')).toBeNull();
  expect(await stat('~/none/deeper')).toBeNull();
});
