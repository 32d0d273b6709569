import type { Database } from 'better-sqlite3';
import { HubError } from '@runtime-hub/plugin-sdk/contract';

/** Steps of the registry's database; never changed once released, only added to. */
const STEPS: readonly string[] = [
  `CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

   CREATE TABLE namespaces (
     name TEXT PRIMARY KEY,
     visibility TEXT NOT NULL CHECK (visibility IN ('public', 'private')),
     -- Hides the names of a private namespace in the log.
     salt TEXT NOT NULL,
     review INTEGER NOT NULL,
     created_at REAL NOT NULL
   ) STRICT, WITHOUT ROWID;

   -- The namespace's key events as they were logged, but with its plain name.
   CREATE TABLE key_events (
     log_index INTEGER PRIMARY KEY REFERENCES leaves (log_index),
     namespace TEXT NOT NULL REFERENCES namespaces (name),
     event TEXT NOT NULL
   ) STRICT;
   CREATE INDEX key_events_of ON key_events (namespace, log_index);

   CREATE TABLE versions (
     key INTEGER PRIMARY KEY,
     plugin TEXT NOT NULL,
     version TEXT NOT NULL,
     namespace TEXT NOT NULL REFERENCES namespaces (name),
     digest TEXT NOT NULL UNIQUE,
     bytes INTEGER NOT NULL,
     state TEXT NOT NULL,
     reason TEXT,
     publisher TEXT NOT NULL,
     published_at REAL NOT NULL,
     log_index INTEGER NOT NULL UNIQUE REFERENCES leaves (log_index),
     held_until REAL,
     findings TEXT NOT NULL,
     manifest TEXT NOT NULL,
     UNIQUE (plugin, version)
   ) STRICT;
   CREATE INDEX versions_open ON versions (state) WHERE state IN ('staged', 'quarantined');
   -- Beside the versions, so that lists do not read over them.
   CREATE TABLE bundles (version INTEGER PRIMARY KEY REFERENCES versions (key), bundle TEXT NOT NULL) STRICT;
   CREATE TABLE documents (
     version INTEGER NOT NULL REFERENCES versions (key),
     name TEXT NOT NULL,
     type TEXT NOT NULL,
     content BLOB NOT NULL,
     PRIMARY KEY (version, name)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE attestations (
     key INTEGER PRIMARY KEY,
     version INTEGER NOT NULL REFERENCES versions (key),
     bundle TEXT NOT NULL,
     digest TEXT NOT NULL,
     UNIQUE (version, digest)
   ) STRICT;

   -- One row per plugin that has an active version: what a search gives.
   CREATE TABLE listed (
     key INTEGER PRIMARY KEY,
     plugin TEXT NOT NULL UNIQUE,
     namespace TEXT NOT NULL,
     runtime TEXT NOT NULL,
     capabilities TEXT NOT NULL,
     item TEXT NOT NULL,
     downloads INTEGER NOT NULL
   ) STRICT;
   CREATE INDEX listed_of ON listed (namespace);
   CREATE VIRTUAL TABLE words USING fts5 (
     id, title, description, more, content = '', contentless_delete = 1, tokenize = 'unicode61'
   );
   CREATE TABLE downloads (plugin TEXT PRIMARY KEY, count INTEGER NOT NULL) STRICT, WITHOUT ROWID;

   CREATE TABLE leaves (log_index INTEGER PRIMARY KEY, leaf BLOB NOT NULL, revokes INTEGER NOT NULL) STRICT;
   CREATE INDEX leaves_revoking ON leaves (log_index) WHERE revokes = 1;
   CREATE TABLE nodes (
     level INTEGER NOT NULL, place INTEGER NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (level, place)
   ) STRICT, WITHOUT ROWID;
   CREATE TRIGGER leaves_stay BEFORE DELETE ON leaves BEGIN SELECT RAISE(ABORT, 'the log only grows'); END;
   CREATE TRIGGER leaves_hold BEFORE UPDATE ON leaves BEGIN SELECT RAISE(ABORT, 'the log only grows'); END;
   CREATE TRIGGER nodes_stay BEFORE DELETE ON nodes BEGIN SELECT RAISE(ABORT, 'the log only grows'); END;
   CREATE TRIGGER nodes_hold BEFORE UPDATE ON nodes BEGIN SELECT RAISE(ABORT, 'the log only grows'); END;

   CREATE TABLE tokens (
     id TEXT PRIMARY KEY,
     -- SHA-256 of the token.
     hash TEXT NOT NULL UNIQUE,
     scope TEXT NOT NULL,
     namespace TEXT REFERENCES namespaces (name),
     plugin TEXT,
     note TEXT NOT NULL,
     created_at REAL NOT NULL,
     expires_at REAL,
     ended_at REAL
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE answers (
     actor TEXT NOT NULL,
     key TEXT NOT NULL,
     request TEXT NOT NULL,
     status INTEGER NOT NULL,
     body TEXT NOT NULL,
     at REAL NOT NULL,
     PRIMARY KEY (actor, key)
   ) STRICT, WITHOUT ROWID;

   CREATE TABLE issuers (issuer TEXT PRIMARY KEY, keys TEXT NOT NULL) STRICT, WITHOUT ROWID;
   CREATE TABLE workloads (
     key INTEGER PRIMARY KEY,
     namespace TEXT NOT NULL REFERENCES namespaces (name),
     plugin TEXT,
     issuer TEXT NOT NULL REFERENCES issuers (issuer),
     claims TEXT NOT NULL
   ) STRICT;
   CREATE TABLE used_tokens (
     issuer TEXT NOT NULL, jti TEXT NOT NULL, until REAL NOT NULL, PRIMARY KEY (issuer, jti)
   ) STRICT, WITHOUT ROWID;

   CREATE TABLE audit (
     sequence INTEGER PRIMARY KEY,
     record TEXT NOT NULL,
     -- SHA-256, hex, over the hash before, the sequence and the record.
     hash TEXT NOT NULL
   ) STRICT;
   CREATE TRIGGER audit_stays BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit only grows'); END;
   CREATE TRIGGER audit_holds BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit only grows'); END;`,
];

/** Brings the database to the newest version. Throws REGISTRY_DATA_NEWER for one that a newer registry wrote. */
export function migrate(db: Database): void {
  const version = Number(db.pragma('user_version', { simple: true }));
  if (version > STEPS.length) throw new HubError('REGISTRY_DATA_NEWER', { version });
  db.transaction(() => {
    for (const step of STEPS.slice(version)) db.exec(step);
    db.pragma(`user_version = ${String(STEPS.length)}`);
  })();
}
