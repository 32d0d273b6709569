import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { createAttestations, type Attestations } from './attestations.ts';
import { createAudit, type Audit } from './audit.ts';
import { createDocuments, type Documents } from './documents.ts';
import { createLeaves, type Leaves } from './leaves.ts';
import { createListed, type Listed } from './listed.ts';
import { lockFolder } from './lock.ts';
import { createNamespaces, type Namespaces } from './namespaces.ts';
import { migrate } from './schema.ts';
import { createSettings, type SettingsTable } from './settings.ts';
import { createTokens, type Tokens } from './tokens.ts';
import { createVersions, type Versions } from './versions.ts';
import { createWorkloads, type Workloads } from './workloads.ts';

/** Everything durable of a registry but its blobs and its keys. All calls are synchronous. */
export interface Store {
  readonly settings: SettingsTable;
  readonly namespaces: Namespaces;
  readonly versions: Versions;
  readonly attestations: Attestations;
  readonly documents: Documents;
  readonly listed: Listed;
  readonly leaves: Leaves;
  readonly tokens: Tokens;
  readonly workloads: Workloads;
  readonly audit: Audit;
  /** Runs `work` as one transaction: when this returns, all of it survives power loss; when `work` throws, nothing is kept. */
  transaction<T>(work: () => T): T;
  /** Writes a whole, consistent copy of the database into a file that is not there yet. */
  copyTo(file: string): void;
  close(): void;
}

export const DATABASE_FILE = 'registry.sqlite';

/** Opens a registry's data folder, made when missing, for this process alone. Throws REGISTRY_BUSY when another has it. */
export function openStore(folder: string): Store {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  using opened = new DisposableStack();
  opened.use(lockFolder(folder));
  const db = opened.adopt(new Database(join(folder, DATABASE_FILE)), (it) => void it.close());
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.pragma('foreign_keys = ON');
  migrate(db);
  const tables = {
    settings: createSettings(db),
    namespaces: createNamespaces(db),
    versions: createVersions(db),
    attestations: createAttestations(db),
    documents: createDocuments(db),
    listed: createListed(db),
    leaves: createLeaves(db),
    tokens: createTokens(db),
    workloads: createWorkloads(db),
    audit: createAudit(db),
  };
  const parts = opened.move();
  return {
    ...tables,
    transaction: (work) => db.transaction(work).immediate(),
    copyTo: (file) => void db.prepare('VACUUM INTO ?').run(file),
    close: () => parts.dispose(),
  };
}
