import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseHead } from '../../../studio/server/audit/head.ts';
import { verifyFolder } from '../../../studio/server/store/audit-folder.ts';
import { headFile } from '../../../studio/server/store/audit-head.ts';
import {
  dataFolder,
  firstBroken,
  openedStore,
  tamper,
  useOf,
  writeAudit,
} from '../../studio/server/audit/folders.ts';

let folder = '';
let owner: ReturnType<typeof dataFolder>;
beforeEach(async () => {
  owner = dataFolder();
  folder = owner.path;
  await writeAudit(folder, 10);
});
afterEach(() => owner[Symbol.dispose]());

/** What somebody with the database may do, and the first record that then no longer holds. */
const CASES: readonly (readonly [string, string, number])[] = [
  [
    'a record is changed',
    `UPDATE audit SET record = replace(record, 'api.example.com', 'api.example.org') WHERE sequence = 4`,
    4,
  ],
  [
    'a denial is made an allowance',
    `UPDATE audit SET record = json_set(record, '$.decision', 'denied') WHERE sequence = 10`,
    10,
  ],
  ['a record gains a space', `UPDATE audit SET record = record || ' ' WHERE sequence = 1`, 1],
  [
    'a record is filed under another plugin',
    `UPDATE audit SET plugin = 'core/flow' WHERE sequence = 6`,
    6,
  ],
  ['a record is deleted', 'DELETE FROM audit WHERE sequence = 5', 5],
  ['the first record is deleted', 'DELETE FROM audit WHERE sequence = 1', 1],
  ['the end is cut off', 'DELETE FROM audit WHERE sequence > 7', 8],
  ['all is deleted', 'DELETE FROM audit', 1],
  [
    'two records are swapped',
    `UPDATE audit SET sequence = -1 WHERE sequence = 3;
     UPDATE audit SET sequence = 3 WHERE sequence = 4;
     UPDATE audit SET sequence = 4 WHERE sequence = -1`,
    3,
  ],
  [
    'the texts of two records are swapped',
    `UPDATE audit SET record = (SELECT record FROM audit WHERE sequence = 14 - audit.sequence)
     WHERE sequence IN (5, 9)`,
    5,
  ],
  [
    'a record is inserted and the rest moved up',
    `UPDATE audit SET sequence = -sequence - 1 WHERE sequence >= 6;
     UPDATE audit SET sequence = -sequence WHERE sequence < 0;
     INSERT INTO audit SELECT 6, plugin, record, hash FROM audit WHERE sequence = 5`,
    6,
  ],
  [
    'a record is put behind the end',
    'INSERT INTO audit SELECT 11, plugin, record, hash FROM audit WHERE sequence = 10',
    11,
  ],
  [
    'a record is put before the beginning',
    'INSERT INTO audit SELECT 0, plugin, record, hash FROM audit WHERE sequence = 1',
    1,
  ],
  [
    'a record is put far before the beginning',
    'INSERT INTO audit SELECT -5, plugin, record, hash FROM audit WHERE sequence = 1',
    1,
  ],
  [
    'a record is repeated',
    'UPDATE audit SET record = (SELECT record FROM audit WHERE sequence = 7) WHERE sequence = 8',
    8,
  ],
  ['a hash is changed', 'UPDATE audit SET hash = randomblob(32) WHERE sequence = 2', 2],
  ['the last hash is changed', 'UPDATE audit SET hash = randomblob(32) WHERE sequence = 10', 10],
  ['a hash is cut short', `UPDATE audit SET hash = x'' WHERE sequence = 9`, 9],
  [
    'the place before the first is changed',
    'UPDATE audit_starts SET hash = lower(hex(randomblob(32)))',
    0,
  ],
  [
    'the first records are passed off as pruned',
    `INSERT INTO audit_starts SELECT sequence, lower(hex(hash)) FROM audit WHERE sequence = 4;
     DELETE FROM audit_starts WHERE sequence = 0;
     DELETE FROM audit WHERE sequence <= 4`,
    1,
  ],
  [
    'all records are passed off as pruned',
    `INSERT INTO audit_starts SELECT sequence, lower(hex(hash)) FROM audit WHERE sequence = 10;
     DELETE FROM audit`,
    1,
  ],
];

test.each(CASES)(
  'when %s, verification names the first record that does not hold',
  async (_, sql, first) => {
    expect(await firstBroken(folder)).toBeNull();
    tamper(folder, sql);
    expect(await firstBroken(folder)).toBe(first);
  },
);

test('records of another hub do not fit, though they are a chain of their own', async () => {
  using other = dataFolder();
  await writeAudit(other.path, 10);
  tamper(
    folder,
    `ATTACH '${join(other.path, 'journal.sqlite')}' AS other;
     DELETE FROM audit WHERE sequence > 4;
     INSERT INTO audit SELECT * FROM other.audit WHERE sequence > 4`,
  );
  expect(await firstBroken(folder)).toBe(5);
});

test('a whole audit of another hub does not fit the head, nor its head the key', async () => {
  using other = dataFolder();
  await writeAudit(other.path, 12);
  const key = parseHead(JSON.parse(readFileSync(headFile(folder), 'utf8')), null).key;
  copyFileSync(join(other.path, 'journal.sqlite'), join(folder, 'journal.sqlite'));
  expect(await firstBroken(folder)).toBe(0);
  copyFileSync(headFile(other.path), headFile(folder));
  const refused = { code: 'AUDIT_BROKEN', data: { record: 12 } };
  await expect(verifyFolder(folder)).rejects.toMatchObject(refused);
  await expect(verifyFolder(other.path, { key })).rejects.toMatchObject(refused);
});

test.each(['from', 'to', 'at', 'key', 'signature'])(
  'a head whose “%s” was changed does not hold',
  async (field) => {
    const head: Record<string, unknown> = JSON.parse(readFileSync(headFile(folder), 'utf8'));
    const changed: Readonly<Record<string, unknown>> = {
      from: { sequence: 1, hash: '0'.repeat(64) },
      to: { sequence: 9, hash: '0'.repeat(64) },
      at: 5,
      key: 'MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=',
      signature: `A${String(head['signature']).slice(1)}`,
    };
    writeFileSync(headFile(folder), JSON.stringify({ ...head, [field]: changed[field] }));
    await expect(verifyFolder(folder)).rejects.toMatchObject({ code: 'AUDIT_BROKEN' });
  },
);

test('an older head, put back, does not make what came after it disappear', async () => {
  const older = readFileSync(headFile(folder), 'utf8');
  await writeAudit(folder, 5, 11);
  const elsewhere = parseHead(JSON.parse(readFileSync(headFile(folder), 'utf8')), null);
  tamper(folder, 'DELETE FROM audit WHERE sequence > 12');
  writeFileSync(headFile(folder), older);
  // The folder alone can't know; a head that was kept elsewhere does.
  expect(await verifyFolder(folder)).toMatchObject({ to: { sequence: 12 }, unsigned: 2 });
  await expect(verifyFolder(folder, { heads: [elsewhere] })).rejects.toMatchObject({
    code: 'AUDIT_BROKEN',
    data: { record: 13 },
  });
});

test('whoever rewrites the chain and signs it anew is told by a head that was kept elsewhere', async () => {
  const elsewhere = parseHead(JSON.parse(readFileSync(headFile(folder), 'utf8')), null);
  tamper(folder, 'DELETE FROM audit WHERE sequence > 3');
  {
    await using store = await openedStore(folder);
    for (let at = 4; at <= 10; at += 1) store.audit.append(useOf(at, { operation: 'forged' }));
    await store.flush();
    await store.audit.accept();
  }
  expect(await firstBroken(folder)).toBeNull();
  await expect(verifyFolder(folder, { heads: [elsewhere] })).rejects.toMatchObject({
    code: 'AUDIT_BROKEN',
    data: { record: 10 },
  });
});

test.each([
  ['all records', 'DELETE FROM audit', 1],
  ['the end', 'DELETE FROM audit WHERE sequence > 7', 8],
  [
    'everything, and the place before the first',
    `DELETE FROM audit; UPDATE audit_starts SET hash = '${'0'.repeat(64)}'`,
    0,
  ],
])('a hub that is started after %s was deleted does not cover it up', async (_, sql, first) => {
  tamper(folder, sql);
  for (const _start of [1, 2]) await (await openedStore(folder))[Symbol.asyncDispose]();
  expect(await firstBroken(folder)).toBe(first);
});

test('a hub of a later version that brings the database up to date does not cover up what was cut off', async () => {
  // As if the newest step were one this hub has not taken yet.
  tamper(folder, 'DELETE FROM audit WHERE sequence > 7; DROP TABLE meter; PRAGMA user_version = 3');
  await writeAudit(folder, 1, 11);
  expect(await firstBroken(folder)).toBe(9);
  await using store = await openedStore(folder);
  expect(store.audit.broken).toMatchObject({ code: 'AUDIT_BROKEN', data: { record: 9 } });
});

test('a plugin’s longest and strangest texts are kept in one bounded record each, and verify', async () => {
  const strange = [
    '"}\n{"sequence":1,"record":{',
    '\u0000\u001b[2J\r\n\u202E\uD800',
    "'); DROP TABLE audit; --",
    '\u2028__proto__',
  ];
  {
    await using store = await openedStore(folder);
    for (const text of strange)
      store.audit.append(useOf(50, { need: text, operation: text, node: text }));
    store.audit.append(
      useOf(51, { need: `fs.read:/${'ü'.repeat(1_048_576)}`, node: 'n'.repeat(1e6) }),
    );
  }
  expect(await verifyFolder(folder)).toMatchObject({ to: { sequence: 15 }, unsigned: 0 });
  await using store = await openedStore(folder);
  const [long, ...rest] = store.audit.list({ limit: 5 });
  expect(rest.map((it) => it.operation).toReversed()).toEqual(strange);
  expect(long?.need).toHaveLength(4096 + '… (1048585 characters)'.length);
  expect(JSON.stringify(long).length).toBeLessThan(10_000);
});
