import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { pluginId, runId, type Json } from '@runtime-hub/plugin-sdk/contract';
import { expect, test } from 'vitest';
import { openUndoStore } from '../../../../../studio/server/services/files/undo-store.ts';
import { expectRefusal, fileStage, type Written } from './file-stage.ts';

const CHANGE = {
  kind: 'changed',
  path: '~/b',
  before: null,
  after: null,
  content: 'copy',
} as const;

function setUp() {
  const stage = fileStage();
  const at = (name: string): string => join(stage.home, name);
  const change = async (operation: string, args: Json) =>
    (await stage.call<Written>('fs.write', operation, args)).undo;
  const write = async (path: string, content: string, mode = 'replace') =>
    await change('write', { path, content, mode });
  const undo = async (path: string, id: string, by = {}) =>
    await stage.call('fs.write', 'undo', { path, undo: id }, by);
  const text = (name: string): string => readFileSync(at(name), 'utf8');
  return { ...stage, stage, at, change, write, undoIt: undo, text };
}

test('what was replaced comes back with its bytes, permissions and time', async () => {
  const { at, write, undoIt, text } = setUp();
  writeFileSync(at('a'), 'old');
  chmodSync(at('a'), 0o4640);
  utimesSync(at('a'), 1, 1_600_000_000.123456);
  const before = statSync(at('a'), { bigint: true });
  await undoIt('~/a', await write('~/a', 'new and longer'));
  expect(text('a')).toBe('old');
  const after = statSync(at('a'), { bigint: true });
  expect(after.mode).toBe(before.mode);
  expect(after.mtimeNs / 1000n).toBe(before.mtimeNs / 1000n);
});

test('what was created is gone again, and what was appended is cut off', async () => {
  const { at, home, write, undoIt, text } = setUp();
  const created = await write('~/a', 'one', 'create');
  const appended = await write('~/a', ' two', 'append');
  await undoIt('~/a', appended);
  expect(text('a')).toBe('one');
  await undoIt('~/a', created);
  expect(existsSync(at('a'))).toBe(false);
  expect(readdirSync(home)).toEqual(['hub-data']);
});

test('a whole history is undone from its end', async () => {
  const { at, home, change, write, undoIt } = setUp();
  writeFileSync(at('kept'), 'first');
  const done: (readonly [string, string])[] = [];
  const step = async (path: string, undo: Promise<string>) => void done.push([path, await undo]);
  await step('~/f', change('make-folder', { path: '~/f' }));
  await step('~/kept', write('~/kept', 'second'));
  await step('~/kept', change('move', { path: '~/kept', to: '~/f/moved' }));
  await step('~/f/moved', write('~/f/moved', ' third', 'append'));
  await step('~/f/moved', write('~/f/moved', 'fourth'));
  await step('~/f', change('move', { path: '~/f', to: '~/g' }));
  await step('~/g/moved', change('remove', { path: '~/g/moved' }));
  await step('~/g', change('remove', { path: '~/g' }));
  expect(readdirSync(home)).toEqual(['hub-data']);
  for (const [path, id] of done.toReversed()) await undoIt(path, id);
  expect(readdirSync(home).toSorted()).toEqual(['hub-data', 'kept']);
  expect(readFileSync(at('kept'), 'utf8')).toBe('first');
});

test('a removed folder comes back with its permissions', async () => {
  const { at, change, undoIt } = setUp();
  mkdirSync(at('f'));
  chmodSync(at('f'), 0o2750);
  await undoIt('~/f', await change('remove', { path: '~/f' }));
  expect(statSync(at('f')).mode & 0o7777).toBe(0o2750);
});

test('nothing is undone over somebody else’s change', async () => {
  const { stage, at, change, write, undoIt, text } = setUp();
  writeFileSync(at('a'), 'old');
  const replaced = await write('~/a', 'new');
  writeFileSync(at('a'), 'theirs');
  await expectRefusal(stage, undoIt('~/a', replaced), 'FILE_CHANGED');
  expect(text('a')).toBe('theirs');
  const removed = await change('remove', { path: '~/a' });
  writeFileSync(at('a'), 'again');
  await expectRefusal(stage, undoIt('~/a', removed), 'FILE_CHANGED');
  const moved = await change('move', { path: '~/a', to: '~/b' });
  writeFileSync(at('a'), 'back');
  await expectRefusal(stage, undoIt('~/a', moved), 'FILE_CHANGED');
  expect([text('a'), text('b')]).toEqual(['back', 'again']);
  const made = await change('make-folder', { path: '~/f' });
  writeFileSync(at('f/in'), '');
  await expectRefusal(stage, undoIt('~/f', made), 'FILE_CHANGED');
  expect(existsSync(at('f/in'))).toBe(true);
});

test('the same bytes with other permissions or another time are a change', async () => {
  const { stage, at, write, undoIt } = setUp();
  const first = await write('~/a', 'x', 'create');
  chmodSync(at('a'), 0o600);
  await expectRefusal(stage, undoIt('~/a', first), 'FILE_CHANGED');
  const second = await write('~/b', 'x', 'create');
  utimesSync(at('b'), 1, 2);
  await expectRefusal(stage, undoIt('~/b', second), 'FILE_CHANGED');
});

test('a change is undone once, by its own run and plugin, under its own path', async () => {
  const { stage, at, write, undoIt } = setUp();
  const id = await write('~/a', 'x', 'create');
  await write('~/b', 'x', 'create');
  const others = [{ run: runId('run-00000002') }, { plugin: pluginId('other/one') }];
  for (const by of others) await expectRefusal(stage, undoIt('~/a', id, by), 'STEP_INPUT_INVALID');
  await expectRefusal(stage, undoIt('~/a', id, { run: null }), 'FILE_REFUSED');
  await expectRefusal(stage, undoIt('~/b', id), 'STEP_INPUT_INVALID');
  await expectRefusal(stage, undoIt('~/a', '0'.repeat(32)), 'STEP_INPUT_INVALID');
  expect(existsSync(at('a'))).toBe(true);
  await undoIt('~/a', id);
  await expectRefusal(stage, undoIt('~/a', id), 'STEP_INPUT_INVALID');
});

test('undoing a move needs its other path to be granted still', async () => {
  const denied: string[] = [];
  const stage = fileStage({ denied });
  writeFileSync(join(stage.home, 'a'), 'x');
  const args = { path: '~/a', to: '~/b' };
  const { undo } = await stage.call<Written>('fs.write', 'move', args);
  denied.push('fs.write:~/b');
  const attempt = stage.call('fs.write', 'undo', { path: '~/a', undo });
  await expectRefusal(stage, attempt, 'CAPABILITY_DENIED');
  expect(readdirSync(stage.home)).toContain('b');
});

test('what undoes changes survives the hub, and goes with its run', async () => {
  const { stage, at, data, write, undo } = setUp();
  writeFileSync(at('a'), 'old');
  const id = await write('~/a', 'new');
  const folder = join(data, 'undo');
  const maker = { run: runId('run-00000001'), plugin: pluginId('core/file') };
  const again = openUndoStore({ folder, maxBytesPerRun: 4 });
  expect(await again.find(maker, id)).toMatchObject({ path: '~/a', content: 'copy' });
  const more = again.keep(maker, CHANGE, Buffer.from('xx'));
  await expectRefusal(stage, more, 'FILE_REFUSED');
  again.retain([maker.run]);
  expect(await undo.find(maker, id)).not.toBeNull();
  again.retain([]);
  expect(readdirSync(folder)).toEqual([]);
  expect(await undo.find(maker, id)).toBeNull();
});

test('the bound counts all runs together, half of it for one plugin, and what was undone no more', async () => {
  const { stage, data } = setUp();
  const folder = join(data, 'more');
  const store = openUndoStore({ folder, maxBytesTotal: 20 });
  const keep = async (run: string, plugin: string, sizeBytes: number) => {
    const maker = { run: runId(run), plugin: pluginId(plugin) };
    return await store.keep(maker, CHANGE, Buffer.alloc(sizeBytes));
  };
  const first = await keep('run-00000001', 'one/plugin', 6);
  await expectRefusal(stage, keep('run-00000002', 'one/plugin', 6), 'FILE_REFUSED');
  await keep('run-00000002', 'other/plugin', 10);
  await expectRefusal(stage, keep('run-00000003', 'third/plugin', 6), 'FILE_REFUSED');
  await store.forget({ run: runId('run-00000001'), plugin: pluginId('one/plugin') }, first);
  await keep('run-00000002', 'one/plugin', 6);
  store.release(runId('run-00000002'));
  await keep('run-00000001', 'third/plugin', 10);
  expect(readdirSync(folder)).toEqual(['run-00000001']);
});
