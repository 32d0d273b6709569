import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { pluginId, runId, type AuditRecord, type Grant } from '@runtime-hub/plugin-sdk/contract';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openStore } from '../../../../studio/server/store/store.ts';
import { journalMemory } from '../../../support/journal-memory.ts';
import { testJournal } from '../../../support/test-journal.ts';
import { entryOf, recordOf } from './records.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hub-store-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function open() {
  const store = await openStore(folder);
  return { ...store, [Symbol.asyncDispose]: async () => await store.close() };
}

const run = runId('run-0001');
const plugin = pluginId('core/flow');

testJournal('SQLite', async () => {
  const store = await open();
  return { ...store.journal, [Symbol.asyncDispose]: async () => await store.close() };
});
testJournal('memory', async () => {
  return await Promise.resolve({ ...journalMemory(), [Symbol.asyncDispose]: async () => {} });
});

test('entries must follow each other without a gap', async () => {
  await using store = await open();
  await store.journal.create(recordOf(run));
  await store.journal.append(run, 1, [entryOf(1)]);
  const gap = store.journal.append(run, 1, [entryOf(3)]);
  await expect(gap).rejects.toMatchObject({ code: 'RUN_CONFLICT' });
  const again = store.journal.append(run, 1, [entryOf(1)]);
  await expect(again).rejects.toMatchObject({ code: 'RUN_CONFLICT' });
  const mixed = store.journal.append(run, 1, [entryOf(2), entryOf(4)]);
  await expect(mixed).rejects.toMatchObject({ code: 'RUN_CONFLICT' });
});

test('a run is there after a restart, with its epoch and its last number', async () => {
  {
    await using store = await open();
    await store.journal.create(recordOf(run));
    await store.journal.append(run, 1, [entryOf(1), entryOf(2)]);
  }
  await using store = await open();
  const claimed = await store.journal.claim(run);
  expect(claimed?.epoch).toBe(2);
  await store.journal.append(run, 2, [entryOf(3)]);
  await store.journal.end(run, 2, 'succeeded', 9);
  expect(store.runs.get(run)).toMatchObject({ status: 'succeeded', endedAt: 9 });
  expect(store.runs.get(run)?.entries).toHaveLength(3);
  const row = { id: run, workflow: 'Empty', status: 'succeeded', createdAt: 1, endedAt: 9 };
  expect(store.runs.list({ limit: 5 })).toEqual([row]);
  expect(store.runs.list({ limit: 5, status: 'open' })).toEqual([]);
});

test('only one hub has a data folder', async () => {
  await using store = await open();
  await expect(openStore(folder)).rejects.toMatchObject({ code: 'HUB_BUSY' });
  await store.flush();
});

test('kill -9 of the hub loses no acknowledged entry, leaves no gap, and frees the folder', async () => {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'writer-child.ts'), folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  const enough = new Promise<void>((resolve) => {
    child.stdout.on('data', (piece: Buffer) => {
      text += piece.toString();
      if (text.length > 4000) resolve();
    });
  });
  await enough;
  await expect(openStore(folder)).rejects.toMatchObject({ code: 'HUB_BUSY' });
  child.kill('SIGKILL');
  await once(child, 'close');
  const acknowledged = text.split('\n').slice(0, -1).map(Number);
  await using store = await open();
  const seqs = store.runs.get(run)?.entries.map((entry) => entry.seq) ?? [];
  expect(seqs).toEqual(Array.from({ length: seqs.length }, (_, index) => index + 1));
  expect(seqs.length).toBeGreaterThanOrEqual(Math.max(...acknowledged));
  expect(await store.journal.open()).toEqual([run]);
});

test('grants are replaced by id and survive a restart in order', async () => {
  const base = { plugin, publisher: 'key', workspace: null, at: 1 };
  const permission = { capability: 'log', target: '*', reason: 'r' } as const;
  const grant = (id: string): Grant => ({ status: 'requested', id, ...base, permission });
  {
    await using store = await open();
    for (const id of ['b', 'a']) store.grants.put(grant(id));
    store.grants.put({ ...grant('b'), status: 'denied', by: 'me', reason: null });
  }
  await using store = await open();
  expect(store.grants.list().map(({ id, status }) => [id, status])).toEqual([
    ['b', 'denied'],
    ['a', 'requested'],
  ]);
});

test('the audit keeps the order of calls and lists the newest first', async () => {
  await using store = await open();
  const record = (at: number, by: string): AuditRecord => ({
    at,
    plugin: pluginId(by),
    need: 'log:*',
    operation: 'write',
    decision: 'allowed',
    run: null,
    node: null,
    by: null,
  });
  for (const at of [1, 2, 3]) store.audit.append(record(at, at === 2 ? 'core/ocr' : 'core/flow'));
  await store.flush();
  expect(store.audit.list({ limit: 2 }).map((it) => it.at)).toEqual([3, 2]);
  expect(store.audit.list({ limit: 9, plugin }).map((it) => it.at)).toEqual([3, 1]);
});

test('state is kept apart for each plugin and workflow, and reads what was just written', async () => {
  await using store = await open();
  const at = { plugin, workflow: 'one', key: 'k' };
  store.state.set(at, { n: 1 });
  expect(store.state.get(at)).toEqual({ n: 1 });
  expect(store.state.get({ ...at, workflow: 'two' })).toBeNull();
  expect(store.state.get({ ...at, plugin: pluginId('core/ocr') })).toBeNull();
  await store.state.deleteAll(plugin);
  expect(store.state.get(at)).toBeNull();
});

test('state that was set before a journaled entry is there whenever the entry is', async () => {
  const at = { plugin, workflow: 'one', key: 'k' };
  {
    await using store = await open();
    await store.journal.create(recordOf(run));
    store.state.set(at, 'first');
    await store.journal.append(run, 1, [entryOf(1)]);
    const disk = new Database(join(folder, 'journal.sqlite'), { readonly: true });
    const kept = disk.prepare('SELECT value FROM state').pluck().all();
    disk.close();
    expect(kept).toEqual(['"first"']);
  }
  await using again = await open();
  expect(again.state.get(at)).toBe('first');
});

test('state beyond a value’s or a plugin’s bound is refused and the old value stays', async () => {
  await using store = await open();
  const at = (key: string) => ({ plugin, workflow: 'w', key });
  const big = 'x'.repeat(65_000);
  const refused = { code: 'STATE_TOO_LARGE' };
  expect(() => store.state.set(at('k'), `${big}${big}`)).toThrow(expect.objectContaining(refused));
  for (let index = 0; index < 16; index += 1) store.state.set(at(`k${String(index)}`), big);
  expect(() => store.state.set(at('more'), big)).toThrow(expect.objectContaining(refused));
  store.state.set(at('k1'), 'small');
  store.state.set(at('more'), big);
  expect(() => store.state.set(at('k1'), big)).toThrow(expect.objectContaining(refused));
  expect(store.state.get(at('k1'))).toBe('small');
});
