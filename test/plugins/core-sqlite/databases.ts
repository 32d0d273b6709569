import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { temporaryFolder } from '../../support/hub.ts';

/** The bytes of a database file made by `sql`. */
export function databaseOf(sql: string): Uint8Array {
  using folder = temporaryFolder('database');
  const file = join(folder.path, 'made.db');
  const database = new DatabaseSync(file);
  database.exec(sql);
  database.close();
  return readFileSync(file);
}

export const INVOICES = databaseOf(`
  CREATE TABLE invoice (id INTEGER PRIMARY KEY, customer TEXT, total REAL, scan BLOB);
  INSERT INTO invoice VALUES (1, 'Ada', 12.5, x'00ff'), (2, 'Bob', 99, NULL), (3, 'Ada', 7, NULL);
`);
