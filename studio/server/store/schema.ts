import type { Database } from 'better-sqlite3';
import { HubError } from '@runtime-hub/plugin-sdk/contract';
import { chainHash } from '../audit/chain.ts';

/** One step from a version of a database to the next: SQL, or what SQL alone can't do. */
export type Step = string | ((db: Database) => void);

/** Steps of the journal database; never changed once released, only added to. */
export const JOURNAL_STEPS: readonly Step[] = [
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
  chainAudit,
  `CREATE TABLE meter (
     plugin TEXT NOT NULL,
     version TEXT NOT NULL,
     day TEXT NOT NULL,
     steps INTEGER NOT NULL,
     calls INTEGER NOT NULL,
     denied INTEGER NOT NULL,
     rate_exceeded INTEGER NOT NULL,
     crashes INTEGER NOT NULL,
     cpu_ms REAL NOT NULL,
     peak_rss_bytes INTEGER NOT NULL,
     log_bytes INTEGER NOT NULL,
     blob_bytes INTEGER NOT NULL,
     PRIMARY KEY (plugin, version, day)
   ) STRICT, WITHOUT ROWID;`,
];

/** The same for the database of grants. */
export const GRANT_STEPS: readonly Step[] = [
  `CREATE TABLE grants (id TEXT PRIMARY KEY, grant_json TEXT NOT NULL) STRICT;`,
];

/** Brings a database to the newest version; true when it was not. Throws HUB_REQUEST_INVALID for one that a newer hub wrote. */
export function migrate(db: Database, steps: readonly Step[]): boolean {
  const version = Number(db.pragma('user_version', { simple: true }));
  if (version > steps.length) {
    throw new HubError('HUB_REQUEST_INVALID', {
      field: 'data folder',
      value: `version ${String(version)}`,
      cure: 'A newer hub wrote it; start that one.',
    });
  }
  db.transaction(() => {
    for (const step of steps.slice(version)) {
      if (typeof step === 'string') db.exec(step);
      else step(db);
    }
    db.pragma(`user_version = ${String(steps.length)}`);
  })();
  return version < steps.length;
}

/**
 * Gives the audit its chain. `audit_starts` holds one row: the place before the first record, whose hash is random, so
 * that no two hubs share a chain, or the last record that was pruned. Records of older hubs are chained in their order.
 */
function chainAudit(db: Database): void {
  db.exec(`
    CREATE TABLE audit_starts (sequence INTEGER PRIMARY KEY, hash TEXT NOT NULL) STRICT;
    INSERT INTO audit_starts VALUES (0, lower(hex(randomblob(32))));
    ALTER TABLE audit RENAME TO audit_unchained;
    DROP INDEX audit_plugin;
    CREATE TABLE audit (
      sequence INTEGER PRIMARY KEY,
      plugin TEXT NOT NULL,
      record TEXT NOT NULL,
      hash BLOB NOT NULL
    ) STRICT;
    CREATE INDEX audit_plugin ON audit (plugin, sequence);`);
  const next = db.prepare(
    'SELECT key, plugin, record FROM audit_unchained WHERE key > ? ORDER BY key LIMIT 1000',
  );
  const insert = db.prepare('INSERT INTO audit VALUES (?, ?, ?, ?)');
  let [hash, sequence, last] = [
    String(db.prepare('SELECT hash FROM audit_starts').pluck().get()),
    0,
    0,
  ];
  for (;;) {
    // SAFETY: the statement selects these columns.
    const rows = next.all(last) as { key: number; plugin: string; record: string }[];
    for (const { key, plugin, record } of rows) {
      sequence += 1;
      hash = chainHash(hash, sequence, record);
      insert.run(sequence, plugin, record, Buffer.from(hash, 'hex'));
      last = key;
    }
    if (rows.length === 0) break;
  }
  db.exec('DROP TABLE audit_unchained');
}
