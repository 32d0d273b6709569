import { defineNode, definePlugin } from '@runtime-hub/plugin-sdk';
import { BlobHandle, type Json } from '@runtime-hub/plugin-sdk/contract';
import * as Type from '@runtime-hub/plugin-sdk/schema';
import { describe, expect, it } from 'vitest';
import sqlitePlugin from '../../../plugins/core-sqlite/plugin.ts';
import { createPluginHarness } from '../../support/plugin-harness.ts';
import { databaseOf, INVOICES } from './databases.ts';

/** A plugin with one node, which gives the bytes as a blob. */
const filesWith = (bytes: Uint8Array) =>
  definePlugin({
    ...sqlitePlugin,
    id: 'test/files',
    nodes: [
      defineNode({
        type: 'file',
        title: 'File',
        effect: 'pure',
        config: Type.Object({}),
        outputs: { blob: BlobHandle },
        run: async ({ context }) => ({
          blob: await context.blobs.write(bytes, 'application/vnd.sqlite3'),
        }),
      }),
    ],
  });

async function query(
  sql: string,
  { parameters = [] as Json, maxRows = 1000, bytes = INVOICES } = {},
): Promise<Record<string, Json>> {
  const harness = createPluginHarness([sqlitePlugin, filesWith(bytes)]);
  const { blob } = await harness.run('test/files:file', {});
  return await harness.run('core/sqlite:query', { sql, maxRows }, { database: blob, parameters });
}

const refusal = (at: string, message: RegExp) => ({
  code: 'STEP_INPUT_INVALID',
  data: { problems: [{ at, message: expect.stringMatching(message) as string }] },
});

describe('query', () => {
  it('gives rows by the names of their columns', async () => {
    expect(await query('SELECT id, customer, total FROM invoice ORDER BY id')).toEqual({
      rows: [
        { id: 1, customer: 'Ada', total: 12.5 },
        { id: 2, customer: 'Bob', total: 99 },
        { id: 3, customer: 'Ada', total: 7 },
      ],
      columns: ['id', 'customer', 'total'],
      count: 3,
      more: false,
    });
  });

  it('binds parameters by place and by name', async () => {
    const byPlace = await query('SELECT id FROM invoice WHERE customer = ? AND total > ?', {
      parameters: ['Ada', 10],
    });
    expect(byPlace['rows']).toEqual([{ id: 1 }]);
    const byName = await query('SELECT id FROM invoice WHERE customer = :who', {
      parameters: { who: 'Bob' },
    });
    expect(byName['rows']).toEqual([{ id: 2 }]);
  });

  it('writes large whole numbers as text, blobs as base64 and infinity as null', async () => {
    const { rows } = await query(
      `SELECT 9007199254740993 AS large, 9e999 AS endless, scan, typeof(?) AS kind FROM invoice WHERE id = 1`,
      { parameters: [5] },
    );
    const kind = 'integer';
    expect(rows).toEqual([{ large: '9007199254740993', endless: null, scan: 'AP8=', kind }]);
  });

  it('stops at maxRows and says that there is more', async () => {
    const found = await query('SELECT id FROM invoice', { maxRows: 2 });
    expect(found).toMatchObject({ count: 2, more: true });
    expect(await query('SELECT id FROM invoice', { maxRows: 3 })).toMatchObject({ more: false });
  });

  it('reads a database that was left in write-ahead mode', async () => {
    const bytes = databaseOf('PRAGMA journal_mode = WAL; CREATE TABLE t AS SELECT 7 AS n');
    expect(bytes[18]).toBe(2);
    expect(await query('SELECT n FROM t', { bytes })).toMatchObject({ rows: [{ n: 7 }] });
    expect(bytes[18]).toBe(2);
  });

  it('tells what tables there are', async () => {
    const { rows } = await query('SELECT name FROM pragma_table_info(?)', {
      parameters: ['invoice'],
    });
    expect(rows).toHaveLength(4);
    expect(await query('PRAGMA user_version')).toMatchObject({ rows: [{ user_version: 0 }] });
  });
});

describe('what query refuses', () => {
  it.each([
    ["ATTACH '/etc/passwd' AS other", /another database/u],
    ["ATTACH ':memory:' AS other", /another database/u],
    ["VACUUM INTO '/tmp/copy.db'", /another database|gives no rows/u],
    ['PRAGMA writable_schema = ON', /that PRAGMA/u],
    ['PRAGMA user_version = 5', /that PRAGMA/u],
    ['PRAGMA database_list', /that PRAGMA/u],
    ['SELECT * FROM pragma_compile_options', /that PRAGMA/u],
    ["SELECT load_extension('/tmp/evil.so')", /that function/u],
    ["SELECT fts3_tokenizer('x')", /that function/u],
    ['DROP TABLE invoice', /to change the database/u],
    ['UPDATE invoice SET total = 0 RETURNING id', /to change the database/u],
    ['CREATE TEMP TABLE t (n)', /to change the database/u],
    ['BEGIN', /to change the database/u],
    ['VACUUM', /gives no rows/u],
  ])('%s', async (sql, message) => {
    await expect(query(sql)).rejects.toMatchObject(refusal('/sql', message));
  });

  it('a second statement behind the first', async () => {
    const wanted = refusal('/sql', /more than one statement/u);
    await expect(query('SELECT 1 AS n; DROP TABLE invoice')).rejects.toMatchObject(wanted);
    await expect(query('SELECT 1 AS n; -- a\n/* b */ SELECT 2')).rejects.toMatchObject(wanted);
    expect(await query('SELECT 1 AS n; -- that’s all\n /* ; */')).toMatchObject({ count: 1 });
  });

  it('two columns of one name, and a name that reaches into prototypes', async () => {
    const alike = refusal('/sql', /two columns of one name/u);
    await expect(query('SELECT 1 AS n, 2 AS n')).rejects.toMatchObject(alike);
    const proto = refusal('/sql', /“__proto__”/u);
    await expect(query('SELECT 1 AS "__proto__"')).rejects.toMatchObject(proto);
  });

  it('what is no database', async () => {
    const wanted = refusal('/database', /no whole SQLite database/u);
    for (const bytes of [Buffer.from('id,name\n1,Ada\n'), Buffer.alloc(0), Buffer.alloc(70_000, 1)])
      await expect(query('SELECT 1 AS n', { bytes })).rejects.toMatchObject(wanted);
  });

  it('a database cut off in the middle, and one with a damaged page', async () => {
    const numbers = 'WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r LIMIT 2000)';
    const whole = databaseOf(
      `CREATE TABLE t AS ${numbers} SELECT n, hex(randomblob(50)) AS x FROM r`,
    );
    const sql = 'SELECT max(x) AS x FROM t';
    const half = query(sql, { bytes: whole.subarray(0, whole.length / 2) });
    await expect(half).rejects.toMatchObject(refusal('/database', /no whole SQLite database/u));
    const damaged = query(sql, { bytes: Uint8Array.from(whole).fill(255, 8192) });
    await expect(damaged).rejects.toMatchObject(refusal('/sql', /damaged/u));
  });
});

describe('hostile values', () => {
  it('in parameters stay values', async () => {
    const attack = "' OR 1=1; DROP TABLE invoice; --";
    const sql = 'SELECT id FROM invoice WHERE customer = ?';
    expect(await query(sql, { parameters: [attack] })).toMatchObject({ rows: [] });
    const echoed = await query('SELECT :x AS x', { parameters: { x: attack } });
    expect(echoed['rows']).toEqual([{ x: attack }]);
  });

  it('that are no single values, or have no place, are refused by name', async () => {
    await expect(query('SELECT ? AS n', { parameters: [[1]] })).rejects.toMatchObject(
      refusal('/parameters/0', /object or a list/u),
    );
    for (const parameters of [['a', 's3cr3t'], { other: 's3cr3t' }] satisfies Json[]) {
      const found = query('SELECT :n AS n', { parameters });
      await expect(found).rejects.toMatchObject({ code: 'STEP_INPUT_INVALID' });
      await expect(found).rejects.not.toThrow(/s3cr3t/u);
    }
  });

  it.each([
    ['SELECT zeroblob(1000000000) AS x', /too large/u],
    ["SELECT replace(hex(zeroblob(8000000)), '0', 'xxxxxxxx') AS x", /too large/u],
    [`SELECT ${'abs('.repeat(300)}1${')'.repeat(300)} AS n`, /refused by SQLite/u],
  ])('that grow without end stop at a limit: %#', async (sql, message) => {
    await expect(query(sql)).rejects.toMatchObject(refusal('/sql', message));
  });

  it('that no answer could hold name the cure', async () => {
    const many = 'WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r)';
    const sql = `${many} SELECT n, hex(zeroblob(50000)) AS x FROM r`;
    await expect(query(sql)).rejects.toMatchObject(refusal('/maxRows', /more through than/u));
    expect(await query(`${many} SELECT n FROM r`)).toMatchObject({ count: 1000, more: true });
  });

  it('in a view of the database can’t call what a schema is not trusted with', async () => {
    const bytes = databaseOf("CREATE VIEW v AS SELECT load_extension('/tmp/evil.so') AS n");
    await expect(query('SELECT n FROM v', { bytes })).rejects.toMatchObject(
      refusal('/sql', /unsafe use of load_extension/u),
    );
  });
});
