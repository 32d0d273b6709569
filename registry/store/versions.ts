import type { Database } from 'better-sqlite3';
import type { VersionState } from '@runtime-hub/plugin-sdk/contract';

/** A version as it is stored; `manifest` and `findings` are JSON text, so that lists need not be read to be sent. */
export interface VersionRow {
  readonly key: number;
  readonly plugin: string;
  readonly version: string;
  readonly namespace: string;
  readonly digest: string;
  readonly bytes: number;
  readonly state: VersionState;
  readonly reason: string | null;
  readonly publisher: string;
  readonly publishedAt: number;
  readonly logIndex: number;
  /** When its minimum age ends; null when no time alone lets it go. */
  readonly heldUntil: number | null;
  readonly findings: string;
  readonly manifest: string;
}

export interface Versions {
  /** The key of the new row. */
  add(row: Omit<VersionRow, 'key'>, bundle: string): number;
  setState(key: number, state: VersionState, reason: string | null): void;
  get(plugin: string, version: string): VersionRow | null;
  byDigest(digest: string): VersionRow | null;
  of(plugin: string): readonly VersionRow[];
  /** Those of `of` that are active, without what is large. */
  active(plugin: string): readonly Pick<VersionRow, 'version' | 'digest'>[];
  /** Staged and quarantined ones, oldest first. */
  open(): readonly VersionRow[];
  bundle(key: number): string | null;
  digests(): readonly string[];
  count(): number;
}

const COLUMNS = `key, plugin, version, namespace, digest, bytes, state, reason, publisher,
  published_at AS publishedAt, log_index AS logIndex, held_until AS heldUntil, findings, manifest`;

export function createVersions(db: Database): Versions {
  const select = (where: string) =>
    db.prepare<string[], VersionRow>(`SELECT ${COLUMNS} FROM versions WHERE ${where}`);
  const add =
    db.prepare(`INSERT INTO versions (plugin, version, namespace, digest, bytes, state, reason,
      publisher, published_at, log_index, held_until, findings, manifest)
    VALUES (@plugin, @version, @namespace, @digest, @bytes, @state, @reason,
      @publisher, @publishedAt, @logIndex, @heldUntil, @findings, @manifest)`);
  const addBundle = db.prepare('INSERT INTO bundles VALUES (?, ?)');
  const setState = db.prepare('UPDATE versions SET state = ?, reason = ? WHERE key = ?');
  const get = select('plugin = ? AND version = ?');
  const byDigest = select('digest = ?');
  const of = select('plugin = ?');
  const active = db.prepare<[string], Pick<VersionRow, 'version' | 'digest'>>(
    `SELECT version, digest FROM versions WHERE plugin = ? AND state = 'active'`,
  );
  const open = select(`state IN ('staged', 'quarantined') ORDER BY key LIMIT 1000`);
  const bundle = db
    .prepare<[number], string>('SELECT bundle FROM bundles WHERE version = ?')
    .pluck();
  const digests = db.prepare<[], string>('SELECT digest FROM versions ORDER BY key').pluck();
  const count = db.prepare<[], number>('SELECT count(*) FROM versions').pluck();
  return {
    add: (row, text) => {
      const key = Number(add.run(row).lastInsertRowid);
      addBundle.run(key, text);
      return key;
    },
    setState: (key, state, reason) => void setState.run(state, reason, key),
    get: (plugin, version) => get.get(plugin, version) ?? null,
    byDigest: (digest) => byDigest.get(digest) ?? null,
    of: (plugin) => of.all(plugin),
    active: (plugin) => active.all(plugin),
    open: () => open.all(),
    bundle: (key) => bundle.get(key) ?? null,
    digests: () => digests.all(),
    count: () => count.get() ?? 0,
  };
}
