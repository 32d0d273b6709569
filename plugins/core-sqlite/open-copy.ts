import { constants, DatabaseSync } from 'node:sqlite';
import { unfit } from '@runtime-hub/plugin-sdk';

/** What one statement may take; a value of 16 MB is far more than an answer can carry. */
const LIMITS = {
  attach: 0,
  length: 16 * 1024 * 1024,
  sqlLength: 20_000,
  column: 500,
  exprDepth: 200,
  compoundSelect: 50,
  functionArg: 32,
  likePatternLength: 1000,
  triggerDepth: 0,
  variableNumber: 1000,
};

/** What the file says of itself is not trusted; sorting stays in memory; the last statement reads its first page. */
const SAFETY =
  'PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY; PRAGMA query_only = ON; SELECT 1 FROM sqlite_schema';

/** Pragmas that only tell something; those of the second list only without a value. */
const TABLE_PRAGMAS: readonly string[] = [
  'table_info',
  'table_xinfo',
  'table_list',
  'index_list',
  'index_info',
  'index_xinfo',
  'foreign_key_list',
];
const VALUE_PRAGMAS: readonly string[] = [
  'user_version',
  'application_id',
  'encoding',
  'page_count',
];
const FUNCTIONS_REFUSED: readonly string[] = ['load_extension', 'fts3_tokenizer'];

/** A database in memory, opened so that a statement can only read it. */
export interface Copy extends Disposable {
  readonly database: DatabaseSync;
  /** What the last statement that was refused wanted; null when none was. */
  refused(): string | null;
}

/** Opens a copy of a database file’s bytes. Throws STEP_INPUT_INVALID for what is none. */
export function openCopy(bytes: Uint8Array): Copy {
  const database = new DatabaseSync(':memory:', {
    allowExtension: false,
    enableDoubleQuotedStringLiterals: false,
    defensive: true,
    readBigInts: true,
    limits: LIMITS,
  });
  try {
    database.deserialize(asRollback(bytes));
    database.exec(SAFETY);
  } catch {
    database.close();
    throw unfit('/database', 'is no whole SQLite database', 'Read a database file as a blob.');
  }
  let refused: string | null = null;
  database.setAuthorizer((action, first, second) => {
    const reason = refusalOf(action, first, second);
    refused ??= reason;
    return reason === null ? constants.SQLITE_OK : constants.SQLITE_DENY;
  });
  return { database, refused: () => refused, [Symbol.dispose]: () => database.close() };
}

/** A file with a write-ahead log beside it is only opened with that; what is in the file alone can be read without. */
function asRollback(bytes: Uint8Array): Uint8Array {
  const versions = [18, 19];
  if (!versions.some((at) => bytes[at] === 2)) return bytes;
  const copy = Uint8Array.from(bytes);
  for (const at of versions) copy[at] = 1;
  return copy;
}

const READS: readonly number[] = [
  constants.SQLITE_SELECT,
  constants.SQLITE_READ,
  constants.SQLITE_RECURSIVE,
];

function refusalOf(action: number, first: string | null, second: string | null): string | null {
  if (READS.includes(action)) return null;
  if (action === constants.SQLITE_FUNCTION)
    return FUNCTIONS_REFUSED.includes(second?.toLowerCase() ?? '') ? 'that function' : null;
  if (action === constants.SQLITE_PRAGMA) return isTold(first ?? '', second) ? null : 'that PRAGMA';
  const opens = action === constants.SQLITE_ATTACH || action === constants.SQLITE_DETACH;
  return opens ? 'another database' : 'to change the database';
}

function isTold(pragma: string, value: string | null): boolean {
  const name = pragma.toLowerCase();
  return TABLE_PRAGMAS.includes(name) || (VALUE_PRAGMAS.includes(name) && value === null);
}
