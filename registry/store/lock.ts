import { join } from 'node:path';
import Database from 'better-sqlite3';
import { HubError } from '@runtime-hub/plugin-sdk/contract';

/** Holds a data folder until disposed, or until the process dies in whatever way. Throws REGISTRY_BUSY when another registry holds it. */
export function lockFolder(folder: string): Disposable {
  const db = new Database(join(folder, 'lock.sqlite'), { timeout: 0 });
  try {
    db.pragma('locking_mode = EXCLUSIVE');
    db.exec('BEGIN EXCLUSIVE');
  } catch (cause) {
    db.close();
    if (!isBusy(cause)) throw cause;
    throw new HubError('REGISTRY_BUSY', {}, { cause });
  }
  return { [Symbol.dispose]: () => void db.close() };
}

const isBusy = (error: unknown): boolean =>
  error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY');
