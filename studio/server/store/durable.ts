import type { Database } from 'better-sqlite3';

/** Sets the durability every database here has: WAL, synced at each commit, so commits survive power loss. */
export function makeDurable(db: Database): void {
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
}
