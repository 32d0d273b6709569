import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { GrantStore } from '@runtime-hub/kernel';
import type { Grant } from '@runtime-hub/plugin-sdk/contract';
import { makeDurable } from './durable.ts';
import { GRANT_STEPS, migrate } from './schema.ts';

const UNSAID = { workspace: null, reason: null };

/** Opens the grants of a data folder. They have a database of their own, so that a decision never waits for the journal. */
export function openGrants(folder: string): GrantStore & Disposable {
  const db = new Database(join(folder, 'grants.sqlite'));
  makeDurable(db);
  migrate(db, GRANT_STEPS);
  const list = db.prepare('SELECT grant_json FROM grants ORDER BY rowid').pluck();
  const put = db.prepare(
    'INSERT INTO grants (id, grant_json) VALUES (?, ?) ON CONFLICT DO UPDATE SET grant_json = excluded.grant_json',
  );
  return {
    // SAFETY: `put` alone writes these texts; those of older hubs know no workspaces and no reasons.
    list: () => list.all().map((text) => ({ ...UNSAID, ...JSON.parse(String(text)) }) as Grant),
    put: (grant) => void put.run(grant.id, JSON.stringify(grant)),
    [Symbol.dispose]: () => void db.close(),
  };
}
