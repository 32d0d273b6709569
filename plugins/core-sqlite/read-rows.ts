import type { StatementSync } from 'node:sqlite';
import { unfit } from '@runtime-hub/plugin-sdk';
import type { Json } from '@runtime-hub/plugin-sdk/contract';
import type { Copy } from './open-copy.ts';

export interface Query {
  readonly sql: string;
  readonly parameters: Json;
  readonly maxRows: number;
}

export interface Rows {
  readonly rows: Record<string, Json>[];
  readonly columns: string[];
  /** There are more rows than were read. */
  readonly more: boolean;
}

/** What one answer may hold, as JSON; a frame to the hub holds 1 MiB. */
const MAX_BYTES = 800_000;

/** Runs one statement that reads. Throws STEP_INPUT_INVALID; no value of the database or the parameters is in it. */
export function readRows(copy: Copy, { sql, parameters, maxRows }: Query): Rows {
  const statement = prepared(copy, sql);
  const columns = statement.columns().map(({ name }) => name);
  checkColumns(columns);
  const rows: Record<string, Json>[] = [];
  let left = MAX_BYTES;
  try {
    for (const values of started(statement, parameters)) {
      if (rows.length === maxRows) return { rows, columns, more: true };
      const row = rowOf(columns, values);
      left -= Buffer.byteLength(JSON.stringify(row)) + 1;
      if (left < 0) throw unfit('/maxRows', 'lets more through than an answer can hold', SMALLER);
      rows.push(row);
    }
  } catch (error) {
    throw told(error, copy);
  }
  return { rows, columns, more: false };
}

const SMALLER = 'Lower it, or ask for fewer columns.';

function prepared(copy: Copy, sql: string): StatementSync {
  let statement: StatementSync;
  try {
    statement = copy.database.prepare(sql);
  } catch (error) {
    throw told(error, copy);
  }
  statement.setReturnArrays(true);
  // Else SQLite would do the first and say nothing of the rest.
  if (/[^\s;]/u.test(withoutComments(sql.slice(statement.sourceSQL.length))))
    throw unfit('/sql', 'has more than one statement', 'Use a node for each.');
  if (statement.columns().length === 0)
    throw unfit('/sql', 'gives no rows', 'Write a SELECT; a database is only read here.');
  return statement;
}

const withoutComments = (sql: string): string =>
  sql.replaceAll(/--[^\n]*|\/\*(?:(?!\*\/).)*(?:\*\/|$)/gsu, '');

function checkColumns(columns: readonly string[]): void {
  if (new Set(columns).size < columns.length)
    throw unfit('/sql', 'gives two columns of one name', 'Name them with AS.');
  if (columns.includes('__proto__'))
    throw unfit('/sql', 'gives a column “__proto__”', 'Name it with AS.');
}

type Bound = null | number | bigint | string;

function* started(statement: StatementSync, parameters: Json): Generator<readonly unknown[], void> {
  const found = Array.isArray(parameters)
    ? statement.iterate(...parameters.map((value: Json, at) => boundOf(value, String(at))))
    : statement.iterate(namedOf(parameters));
  // SAFETY: setReturnArrays makes each row a list.
  yield* found as unknown as Iterable<readonly unknown[]>;
}

function namedOf(parameters: Json): Record<string, Bound> {
  if (typeof parameters !== 'object' || parameters === null)
    throw unfit('/parameters', 'is neither an object nor a list', 'Give one of these.');
  const entries = Object.entries(parameters);
  return Object.fromEntries(entries.map(([name, value]) => [name, boundOf(value, name)]));
}

function boundOf(value: Json, name: string): Bound {
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value);
  if (typeof value !== 'object' || value === null) return value;
  throw unfit(`/parameters/${name}`, 'is an object or a list', 'Give text, a number or null.');
}

function rowOf(columns: readonly string[], values: readonly unknown[]): Record<string, Json> {
  return Object.fromEntries(columns.map((name, at) => [name, cellOf(values[at])]));
}

/** Whole numbers beyond 2^53 as text, blobs as base64; infinity, which JSON has not, as null. */
function cellOf(value: unknown): Json {
  if (typeof value === 'string') return value.toWellFormed();
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value === 'bigint') {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value.toString();
  }
  return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : null;
}

/** SQLite’s texts on a statement hold words of its author’s; those on its work may hold values. */
function told(error: unknown, copy: Copy): unknown {
  if (!(error instanceof Error) || !('code' in error) || 'data' in error) return error;
  const refused = copy.refused();
  if (refused !== null) return unfit('/sql', `wants ${refused}`, 'Only reading is offered here.');
  if (error.code !== 'ERR_SQLITE_ERROR')
    return unfit('/parameters', 'do not fit the statement', 'Compare their names and number.');
  const errcode = 'errcode' in error ? Number(error.errcode) & 0xff : 0;
  return unfit('/sql', reasonFor(errcode, error.message), 'Mend the statement.');
}

const REASONS: Readonly<Record<number, string>> = {
  11: 'reads a damaged part of the database',
  18: 'makes a value that is too large',
  25: 'has fewer parameters than were given',
};

const reasonFor = (errcode: number, message: string): string =>
  REASONS[errcode] ?? `is refused by SQLite: ${message.slice(0, 300)}`;
