import {
  chmodSync,
  existsSync,
  globSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { runId, type Json } from '@runtime-hub/plugin-sdk/contract';
import { expect, test } from 'vitest';
import { blobHandle, expectRefusal, fileStage, type Written } from './file-stage.ts';

function setUp(options: Parameters<typeof fileStage>[0] = {}) {
  const stage = fileStage(options);
  const at = (name: string): string => join(stage.home, name);
  const write = async (path: string, content: Json, mode = 'replace') =>
    await stage.call<Written>('fs.write', 'write', { path, content, mode });
  const text = (name: string): string => readFileSync(at(name), 'utf8');
  return { ...stage, stage, at, write, text };
}

test('a file is created, replaced and appended to, and nothing else is left in its folder', async () => {
  const { home, write, text } = setUp();
  expect(await write('~/a', 'one', 'create')).toMatchObject({ sizeBytes: 3 });
  expect(text('a')).toBe('one');
  expect(await write('~/a', 'zwei ü')).toMatchObject({ sizeBytes: 7 });
  expect(await write('~/a', '!', 'append')).toMatchObject({ sizeBytes: 8 });
  await write('~/new', 'x', 'append');
  expect(text('a')).toBe('zwei ü!');
  expect(readdirSync(home).toSorted()).toEqual(['a', 'hub-data', 'new']);
});

test('“create” leaves what is there alone, whatever it is', async () => {
  const { stage, at, write, text } = setUp();
  writeFileSync(at('a'), 'mine');
  mkdirSync(at('folder'));
  for (const path of ['~/a', '~/folder'])
    await expectRefusal(stage, write(path, 'x', 'create'), 'FILE_EXISTS');
  await expectRefusal(stage, write('~/folder', 'x'), 'FILE_REFUSED');
  await expectRefusal(stage, write('~/none/a', 'x'), 'FILE_NOT_FOUND');
  expect(text('a')).toBe('mine');
});

test('a replaced file keeps its permissions but not the right to run as its owner', async () => {
  const { at, write } = setUp();
  writeFileSync(at('a'), 'old');
  chmodSync(at('a'), 0o4751);
  await write('~/a', 'new');
  expect(statSync(at('a')).mode & 0o7777).toBe(0o751);
});

test('a blob is written by its handle, and one that the plugin does not have is refused', async () => {
  const { stage, blobs, write, text } = setUp();
  const handle = blobHandle(7, 4);
  blobs.set(handle.$blob, Buffer.from('blob'));
  await write('~/a', handle, 'create');
  expect(text('a')).toBe('blob');
  await expectRefusal(stage, write('~/b', blobHandle(8, 1), 'create'), 'BLOB_NOT_FOUND');
});

test('writing under one of two names leaves the other name’s file as it was', async () => {
  const { at, write, text } = setUp();
  writeFileSync(at('a'), 'both');
  linkSync(at('a'), at('b'));
  await write('~/a', '!', 'append');
  expect([text('a'), text('b')]).toEqual(['both!', 'both']);
});

test('twenty appends at once are all there', async () => {
  const { write, text } = setUp();
  await Promise.all(Array.from({ length: 20 }, async () => await write('~/a', 'x', 'append')));
  expect(text('a')).toBe('x'.repeat(20));
});

test('a file and a folder move to where nothing is, and need to be readable', async () => {
  const { stage, at, call, text, permitted } = setUp();
  writeFileSync(at('a'), 'moved');
  mkdirSync(at('f/sub'), { recursive: true });
  await call('fs.write', 'move', { path: '~/a', to: '~/f/b' });
  expect([existsSync(at('a')), text('f/b')]).toEqual([false, 'moved']);
  expect(permitted).toEqual(['fs.read:~/a']);
  await call('fs.write', 'move', { path: '~/f', to: '~/g' });
  expect([existsSync(at('f')), text('g/b')]).toEqual([false, 'moved']);
  expect(permitted.slice(1)).toEqual(['fs.read:~/f/**', 'fs.write:~/f/**', 'fs.write:~/g/**']);
  mkdirSync(at('empty'));
  for (const to of ['~/empty', '~/g/b', '~/g/sub'])
    await expectRefusal(stage, call('fs.write', 'move', { path: '~/g/b', to }), 'FILE_EXISTS');
  await expectRefusal(
    stage,
    call('fs.write', 'move', { path: '~/g', to: '~/empty' }),
    'FILE_EXISTS',
  );
  await expectRefusal(
    stage,
    call('fs.write', 'move', { path: '~/g', to: '~/g/in' }),
    'FILE_REFUSED',
  );
  await expectRefusal(
    stage,
    call('fs.write', 'move', { path: '~/no', to: '~/x' }),
    'FILE_NOT_FOUND',
  );
  expect(readdirSync(at('g')).toSorted()).toEqual(['b', 'sub']);
});

test('a file and an empty folder are removed, a full one is not', async () => {
  const { stage, at, call } = setUp();
  mkdirSync(at('f'));
  writeFileSync(at('f/a'), 'x');
  await expectRefusal(stage, call('fs.write', 'remove', { path: '~/f' }), 'FILE_REFUSED');
  await call('fs.write', 'remove', { path: '~/f/a' });
  await call('fs.write', 'remove', { path: '~/f' });
  expect(existsSync(at('f'))).toBe(false);
  await expectRefusal(stage, call('fs.write', 'remove', { path: '~/f' }), 'FILE_NOT_FOUND');
});

test('a folder is made where nothing is', async () => {
  const { stage, at, call } = setUp();
  await call('fs.write', 'make-folder', { path: '~/f' });
  expect(statSync(at('f')).isDirectory()).toBe(true);
  await expectRefusal(stage, call('fs.write', 'make-folder', { path: '~/f' }), 'FILE_EXISTS');
});

test('nothing is changed outside of a run, nor by a step that is over', async () => {
  const { stage, home, call } = setUp();
  const args = { path: '~/a', content: 'x', mode: 'create' };
  await expectRefusal(stage, call('fs.write', 'write', args, { run: null }), 'FILE_REFUSED');
  const reason = new Error('over');
  const late = call('fs.write', 'write', args, { signal: AbortSignal.abort(reason) });
  await expect(late).rejects.toBe(reason);
  expect(readdirSync(home)).toEqual(['hub-data']);
});

test('a step that is stopped while it writes leaves the old file and no undo', async () => {
  const { stage, home, data, at, blobs, text } = setUp();
  writeFileSync(at('a'), 'old');
  const handle = blobHandle(1, 20_000_000);
  blobs.set(handle.$blob, Buffer.alloc(20_000_000));
  const stop = new AbortController();
  const args = { path: '~/a', content: handle, mode: 'replace' };
  const writing = stage.call('fs.write', 'write', args, { signal: stop.signal });
  const reason = new Error('stopped');
  // As soon as the new file is there.
  const seen = Promise.withResolvers<void>();
  const look = (): void => {
    if (readdirSync(home).some((name) => name.endsWith('.tmp'))) seen.resolve();
    else setImmediate(look);
  };
  look();
  await seen.promise;
  stop.abort(reason);
  await expect(writing).rejects.toBe(reason);
  expect(text('a')).toBe('old');
  expect(readdirSync(home).toSorted()).toEqual(['a', 'hub-data']);
  expect(globSync('undo/**/*.*', { cwd: data })).toEqual([]);
});

test('what cannot be kept to undo it is not done', async () => {
  const { stage, at, write, call, text, undo } = setUp({ maxBytesPerRun: 10 });
  writeFileSync(at('a'), 'x'.repeat(8));
  writeFileSync(at('b'), 'y'.repeat(8));
  await write('~/a', 'small');
  await expectRefusal(stage, write('~/b', 'new'), 'FILE_REFUSED');
  await expectRefusal(stage, call('fs.write', 'remove', { path: '~/b' }), 'FILE_REFUSED');
  expect(text('b')).toBe('y'.repeat(8));
  // Appending keeps no copy.
  await write('~/b', '!', 'append');
  undo.release(runId('run-00000001'));
  await write('~/b', 'new');
  expect(text('b')).toBe('new');
});
