import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { manifestOf } from '@runtime-hub/plugin-sdk';
import { isTarget, type JsonObject } from '@runtime-hub/plugin-sdk/contract';
import { expect, test } from 'vitest';
import filePlugin from '../../../plugins/core-file/plugin.ts';
import { expectRefusal } from '../../studio/server/services/files/file-stage.ts';
import { fileHarness } from './file-harness.ts';

function setUp() {
  const it = fileHarness();
  const run = async (type: string, config: JsonObject, inputs: JsonObject = {}) =>
    await it.harness.run(`core/file:${type}`, config, inputs);
  const text = (name: string): string => readFileSync(join(it.home, name), 'utf8');
  return { ...it, run, text };
}

test('“read” gives text, or a blob of what is no text or too long', async () => {
  const { home, stage, run } = setUp();
  writeFileSync(join(home, 'a'), 'text');
  writeFileSync(join(home, 'binary'), Buffer.from([255]));
  writeFileSync(join(home, 'long'), 'x'.repeat(600_000));
  expect(await run('read', { path: '~/a' })).toMatchObject({
    text: 'text',
    about: { path: '~/a', sizeBytes: 4 },
  });
  expect(await run('read', {}, { path: '~/binary' })).toMatchObject({ blob: { sizeBytes: 1 } });
  expect(await run('read', { path: '~/long' })).toMatchObject({ blob: { sizeBytes: 600_000 } });
  expect(await run('read', { path: '~/a', as: 'blob' })).toMatchObject({ blob: { sizeBytes: 4 } });
  await expectRefusal(stage, run('read', { path: '~/long', as: 'text' }), 'FILE_TOO_LARGE');
  const bounded = run('read', { path: '~/long', maxBytes: 10 });
  await expectRefusal(stage, bounded, 'FILE_TOO_LARGE');
});

test('what arrives as a path goes before the settings, and one is needed', async () => {
  const { home, stage, run } = setUp();
  writeFileSync(join(home, 'a'), 'arrived');
  const both = await run('read', { path: '~/none' }, { path: '~/a' });
  expect(both).toMatchObject({ text: 'arrived' });
  for (const type of ['read', 'list', 'remove', 'make-folder', 'move'])
    await expectRefusal(stage, run(type, {}), 'STEP_INPUT_INVALID');
  await expectRefusal(stage, run('move', { path: '~/a' }), 'STEP_INPUT_INVALID');
});

test('“write” creates unless told otherwise, and “undo” brings back what was there', async () => {
  const { home, stage, run, text } = setUp();
  const created = await run('write', { path: '~/a' }, { content: 'one' });
  expect(created).toMatchObject({ sizeBytes: 3, change: { path: '~/a' } });
  const again = run('write', { path: '~/a' }, { content: 'x' });
  await expectRefusal(stage, again, 'FILE_EXISTS');
  const { change } = await run('write', { path: '~/a', mode: 'append' }, { content: ' two' });
  expect(text('a')).toBe('one two');
  expect(await run('undo', {}, { change: change ?? null })).toEqual({ path: '~/a' });
  expect(text('a')).toBe('one');
  await run('undo', {}, { change: created['change'] ?? null });
  expect(existsSync(join(home, 'a'))).toBe(false);
});

test('a blob that “read” gave is written by “write”', async () => {
  const { home, run, text } = setUp();
  writeFileSync(join(home, 'a'), 'bytes');
  const { blob } = await run('read', { path: '~/a', as: 'blob' });
  await run('write', { path: '~/b' }, { content: blob ?? null });
  expect(text('b')).toBe('bytes');
});

test('“list” gives names, paths and kinds, or only files', async () => {
  const { home, run } = setUp();
  mkdirSync(join(home, 'f/sub'), { recursive: true });
  writeFileSync(join(home, 'f/a'), '12');
  const all = await run('list', { path: '~/f' });
  expect(all).toMatchObject({
    entries: [
      { name: 'a', path: '~/f/a', kind: 'file', sizeBytes: 2 },
      { name: 'sub', path: '~/f/sub', kind: 'folder' },
    ],
    truncated: false,
  });
  expect(await run('list', { path: '~/f', only: 'folder' })).toMatchObject({
    entries: [{ name: 'sub' }],
  });
  expect(await run('list', { path: '~/f', limit: 1 })).toMatchObject({
    entries: [{ name: 'a' }],
    truncated: true,
  });
});

test('“make-folder”, “move” and “remove” do what they say, and each can be undone', async () => {
  const { home, run, text } = setUp();
  writeFileSync(join(home, 'a'), 'x');
  const changes: JsonObject[] = [];
  for (const [type, config] of [
    ['make-folder', { path: '~/f' }],
    ['move', { path: '~/a', to: '~/f/b' }],
    ['remove', { path: '~/f/b' }],
  ] as const)
    changes.push(await run(type, config));
  expect(existsSync(join(home, 'f/b'))).toBe(false);
  expect(changes[1]).toMatchObject({ to: '~/f/b' });
  for (const { change } of changes.toReversed()) await run('undo', {}, { change: change ?? null });
  expect(text('a')).toBe('x');
  expect(existsSync(join(home, 'f'))).toBe(false);
});

test('the manifest asks for the home only, and says what each node uses', () => {
  const { permissions, nodes, provides } = manifestOf(filePlugin);
  expect(permissions.map(({ capability, target }) => `${capability}:${target}`)).toEqual([
    'fs.read:~/**',
    'fs.write:~/**',
  ]);
  expect(permissions.every(isTarget)).toBe(true);
  expect(provides).toEqual([]);
  expect(
    Object.fromEntries(nodes.map(({ type, effect, uses }) => [type, [effect, ...uses]])),
  ).toEqual({
    read: ['idempotent', 'fs.read'],
    write: ['external', 'fs.write'],
    list: ['idempotent', 'fs.read'],
    move: ['external', 'fs.read', 'fs.write'],
    remove: ['external', 'fs.write'],
    'make-folder': ['external', 'fs.write'],
    undo: ['external', 'fs.write'],
    watch: ['external', 'fs.read'],
  });
});
