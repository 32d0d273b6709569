import type { Database } from 'better-sqlite3';

/** What others vouch for of a version, by its key. */
export interface Attestations {
  /** False when the same (by `digest` of what was signed) is there already. */
  add(version: number, bundle: string, digest: string): boolean;
  of(version: number): readonly string[];
}

export function createAttestations(db: Database): Attestations {
  const add = db.prepare(
    'INSERT OR IGNORE INTO attestations (version, bundle, digest) VALUES (?, ?, ?)',
  );
  const of = db
    .prepare<[number], string>('SELECT bundle FROM attestations WHERE version = ? ORDER BY key')
    .pluck();
  return {
    add: (version, bundle, digest) => add.run(version, bundle, digest).changes === 1,
    of: (version) => of.all(version),
  };
}
