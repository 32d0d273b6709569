import type { Database } from 'better-sqlite3';
import { HubError } from '@runtime-hub/plugin-sdk/contract';

/** Steps from one version of the journal database to the next; never changed once released, only added to. */
export const JOURNAL_STEPS: readonly string[] = [
  `CREATE TABLE runs (
     key INTEGER PRIMARY KEY,
     id TEXT NOT NULL UNIQUE,
     name TEXT NOT NULL,
     record TEXT NOT NULL,
     status TEXT NOT NULL,
     epoch INTEGER NOT NULL,
     created_at REAL NOT NULL,
     ended_at REAL
   ) STRICT;
   CREATE INDEX runs_open ON runs (key) WHERE status = 'open';
   -- One row per append: entries is a JSON list whose first seq is the row's.
   CREATE TABLE entries (
     run INTEGER NOT NULL REFERENCES runs (key),
     seq INTEGER NOT NULL,
     count INTEGER NOT NULL,
     entries TEXT NOT NULL,
     PRIMARY KEY (run, seq)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE audit (
     key INTEGER PRIMARY KEY,
     plugin TEXT NOT NULL,
     record TEXT NOT NULL
   ) STRICT;
   CREATE INDEX audit_plugin ON audit (plugin, key);
   CREATE TABLE state (
     plugin TEXT NOT NULL,
     workflow TEXT NOT NULL,
     key TEXT NOT NULL,
     value TEXT NOT NULL,
     size INTEGER NOT NULL,
     PRIMARY KEY (plugin, workflow, key)
   ) STRICT, WITHOUT ROWID;`,
  // The bounds of state are kept in memory now; nobody reads the column.
  `ALTER TABLE state DROP COLUMN size;`,
];

/** The same for the database of grants. */
export const GRANT_STEPS: readonly string[] = [
  `CREATE TABLE grants (id TEXT PRIMARY KEY, grant_json TEXT NOT NULL) STRICT;`,
];

/** Brings a database to the newest version. Throws HUB_REQUEST_INVALID for one that a newer hub wrote. */
export function migrate(db: Database, steps: readonly string[]): void {
  const version = Number(db.pragma('user_version', { simple: true }));
  if (version > steps.length) {
    throw new HubError('HUB_REQUEST_INVALID', {
      field: 'data folder',
      value: `version ${String(version)}`,
      cure: 'A newer hub wrote it; start that one.',
    });
  }
  db.transaction(() => {
    for (const step of steps.slice(version)) db.exec(step);
    db.pragma(`user_version = ${String(steps.length)}`);
  })();
}
