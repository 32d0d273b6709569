import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { pluginId, runId } from '@runtime-hub/plugin-sdk/contract';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { verifyFolder } from '../../../../studio/server/store/audit-folder.ts';
import { headFile } from '../../../../studio/server/store/audit-head.ts';
import { JOURNAL_STEPS, migrate } from '../../../../studio/server/store/schema.ts';
import {
  dataFolder,
  firstBroken,
  openedStore,
  tamper,
  useOf,
  writeAudit,
} from '../audit/folders.ts';

let folder = '';
let owner: ReturnType<typeof dataFolder>;
beforeEach(() => {
  owner = dataFolder();
  folder = owner.path;
});
afterEach(() => owner[Symbol.dispose]());

test('every record is chained to the one before, also after a restart', async () => {
  await writeAudit(folder, 3);
  await writeAudit(folder, 2, 4);
  const verdict = await verifyFolder(folder);
  expect(verdict).toMatchObject({ from: { sequence: 0 }, to: { sequence: 5 }, unsigned: 0 });
  expect(verdict.head.to).toEqual(verdict.to);
});

/** A hub that writes its audit in a process of its own, after the first `wanted` records; ends by kill -9. */
async function startWriting(wanted: number, ...words: readonly string[]) {
  const file = join(import.meta.dirname, 'audit-child.ts');
  const child = spawn(process.execPath, [file, folder, ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(child, 'close');
  let text = '';
  const flushed = () => Math.max(0, ...text.split('\n').slice(0, -1).map(Number));
  await new Promise<void>((resolve) => {
    child.stdout.on('data', (piece: Buffer) => {
      text += piece.toString();
      if (flushed() >= wanted) resolve();
    });
  });
  return {
    flushed,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await closed;
    },
  };
}

test('a hub that is writing and pruning verifies from another process, and after kill -9', async () => {
  {
    await using child = await startWriting(100, 'prune');
    const before = child.flushed();
    let verified = 0;
    while (verified < 10 || child.flushed() < before + 200) {
      const { from, to } = await verifyFolder(folder);
      expect(to.sequence).toBeGreaterThanOrEqual(from.sequence);
      verified += 1;
      await setImmediate();
    }
  }
  expect(await firstBroken(folder)).toBeNull();
  await using store = await openedStore(folder);
  expect(store.audit.broken).toBeNull();
});

test('kill -9 leaves a chain that holds, goes on, and lacks nothing that was flushed', async () => {
  let flushed = 0;
  {
    await using child = await startWriting(1000);
    flushed = child.flushed();
  }
  await using store = await openedStore(folder);
  expect(store.audit.broken).toBeNull();
  const { sequence } = store.audit.to();
  expect(sequence).toBeGreaterThanOrEqual(flushed);
  store.audit.append(useOf(1e9));
  await store.flush();
  expect(await firstBroken(folder)).toBeNull();
  expect(store.audit.to().sequence).toBe(sequence + 1);
  expect(store.audit.list({ limit: 2 }).map((it) => it.at)).toEqual([1e9, sequence]);
});

test('what is not signed yet is counted, and signed a moment later', async () => {
  await using store = await openedStore(folder);
  store.audit.append(useOf(1));
  await expect.poll(async () => await firstBroken(folder)).toBeNull();
  const { head } = await verifyFolder(folder);
  store.audit.append(useOf(2));
  await store.flush();
  expect(await verifyFolder(folder)).toMatchObject({
    to: { sequence: 2 },
    unsigned: 2 - head.to.sequence,
  });
  await expect.poll(async () => (await verifyFolder(folder)).unsigned, { timeout: 5000 }).toBe(0);
});

test('records of an older data folder are chained in their order', async () => {
  const db = new Database(join(folder, 'journal.sqlite'));
  migrate(db, JOURNAL_STEPS.slice(0, 2));
  const insert = db.prepare('INSERT INTO audit (plugin, record) VALUES (?, ?)');
  const count = 2345;
  db.transaction(() => {
    for (let at = 1; at <= count; at += 1) insert.run('core/http', JSON.stringify(useOf(at)));
    // Somebody took one out, long ago.
    db.exec('DELETE FROM audit WHERE key = 7');
  })();
  db.close();
  await writeAudit(folder, 1, count + 1);
  expect(await verifyFolder(folder)).toMatchObject({ to: { sequence: count }, unsigned: 0 });
  await using store = await openedStore(folder);
  expect(store.audit.list({ limit: 2 }).map((it) => it.at)).toEqual([count + 1, count]);
});

test('what is pruned is gone, and the rest verifies from there', async () => {
  await writeAudit(folder, 20);
  {
    await using store = await openedStore(folder);
    expect(await store.audit.prune(6)).toBe(5);
    expect(await store.audit.prune(6)).toBe(0);
    store.audit.append(useOf(21));
  }
  const verdict = await verifyFolder(folder);
  expect(verdict).toMatchObject({ from: { sequence: 5 }, to: { sequence: 21 }, unsigned: 0 });
  {
    await using store = await openedStore(folder);
    expect(await store.audit.prune(1000)).toBe(16);
    expect(store.audit.list({ limit: 9 })).toEqual([]);
    store.audit.append(useOf(30));
  }
  expect(await verifyFolder(folder)).toMatchObject({
    from: { sequence: 21 },
    to: { sequence: 22 },
  });
});

test('a prune that was interrupted leaves an audit that holds', async () => {
  await writeAudit(folder, 20);
  const [file, kept] = [join(folder, 'journal.sqlite'), join(folder, 'kept.sqlite')];
  copyFileSync(file, kept);
  {
    await using store = await openedStore(folder);
    expect(await store.audit.prune(11)).toBe(10);
  }
  // As if it had been killed when the head was written and nothing forgotten yet.
  renameSync(kept, file);
  expect(await verifyFolder(folder)).toMatchObject({
    from: { sequence: 0 },
    head: { from: { sequence: 10 } },
  });
  await using store = await openedStore(folder);
  expect(store.audit.broken).toBeNull();
});

test('more than one commit’s worth is pruned whole', async () => {
  {
    await using store = await openedStore(folder);
    for (let at = 1; at <= 12_000; at += 1) store.audit.append(useOf(at));
    await store.flush();
    expect(await store.audit.prune(11_001)).toBe(11_000);
  }
  expect(await verifyFolder(folder)).toMatchObject({
    from: { sequence: 11_000 },
    to: { sequence: 12_000 },
  });
});

test('a page holds what fits, the newest first, and says where to go on', async () => {
  await using store = await openedStore(folder);
  const run = runId('run-00000001');
  for (let at = 1; at <= 10; at += 1) {
    store.audit.append(
      useOf(at, {
        ...(at % 2 === 0 ? { plugin: pluginId('core/file'), need: 'fs.read:/a' } : {}),
        ...(at % 5 === 0 ? { decision: 'denied' } : {}),
        ...(at > 8 ? { run } : {}),
      }),
    );
  }
  await store.flush();
  const found = (filter: Parameters<typeof store.audit.page>[0]) =>
    store.audit.page(filter, { limit: 100 }).records.map((it) => it.sequence);
  expect(found({})).toEqual([10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
  expect(found({ plugin: pluginId('core/file') })).toEqual([10, 8, 6, 4, 2]);
  expect(found({ capability: 'fs.read', decision: 'denied' })).toEqual([10]);
  expect(found({ decision: 'denied', since: 2 })).toEqual([10, 5]);
  expect(found({ run })).toEqual([10, 9]);
  expect(found({ since: 8 })).toEqual([10, 9, 8]);
  const first = store.audit.page({ plugin: pluginId('core/file') }, { limit: 2 });
  expect(first).toMatchObject({ records: [{ sequence: 10 }, { sequence: 8 }], next: 8 });
  const rest = store.audit.page({ plugin: pluginId('core/file') }, { limit: 9, before: 8 });
  expect(rest).toMatchObject({
    records: [{ sequence: 6 }, { sequence: 4 }, { sequence: 2 }],
    next: null,
  });
});

test('a page looks at so many records and no more, however few fit', async () => {
  await using store = await openedStore(folder);
  store.audit.append(useOf(0, { decision: 'denied' }));
  for (let at = 1; at <= 20_005; at += 1) store.audit.append(useOf(at));
  await store.flush();
  const first = store.audit.page({ decision: 'denied' }, { limit: 5 });
  expect(first).toEqual({ records: [], next: 7 });
  const second = store.audit.page({ decision: 'denied' }, { limit: 5, before: 7 });
  expect(second).toMatchObject({ records: [{ sequence: 1 }], next: null });
});

test('a hub whose audit lost its end says so, keeps the evidence, and goes on once that is accepted', async () => {
  await writeAudit(folder, 9);
  const before = readFileSync(headFile(folder), 'utf8');
  tamper(folder, 'DELETE FROM audit WHERE sequence > 6');
  await writeAudit(folder, 5);
  expect(readFileSync(headFile(folder), 'utf8')).toBe(before);
  expect(await firstBroken(folder)).toBe(9);
  {
    await using store = await openedStore(folder);
    expect(store.audit.broken).toMatchObject({ code: 'AUDIT_BROKEN', data: { record: 9 } });
    await expect(store.audit.prune(3)).rejects.toMatchObject({ code: 'AUDIT_BROKEN' });
    await store.audit.accept();
    expect(store.audit.broken).toBeNull();
  }
  expect(await verifyFolder(folder)).toMatchObject({ to: { sequence: 11 }, unsigned: 0 });
});

test.each([
  ['is gone', async () => await Promise.resolve(rmSync(headFile(folder)))],
  ['is empty', async () => await Promise.resolve(writeFileSync(headFile(folder), ''))],
  [
    'is of another hub',
    async () => {
      using other = dataFolder();
      await writeAudit(other.path, 4);
      writeFileSync(headFile(folder), readFileSync(headFile(other.path)));
    },
  ],
])('a hub does not replace a head that %s', async (_, spoil) => {
  await writeAudit(folder, 4);
  await spoil();
  await writeAudit(folder, 1, 5);
  expect(await firstBroken(folder)).not.toBeNull();
  await using store = await openedStore(folder);
  expect(store.audit.broken).toMatchObject({ code: 'AUDIT_BROKEN' });
});

test('a data folder that no hub of this version used is no audit', async () => {
  await expect(verifyFolder(folder)).rejects.toMatchObject({ code: 'HUB_REQUEST_INVALID' });
});
