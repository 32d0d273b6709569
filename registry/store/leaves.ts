import type { Database } from 'better-sqlite3';

/** The log's leaves and the hashes of its complete subtrees; only ever added to. */
export interface Leaves {
  size(): number;
  add(index: number, leaf: Uint8Array, revokes: boolean): void;
  addNode(level: number, place: number, hash: Uint8Array): void;
  /** Leaves from `since` on, at most `limit`. */
  from(since: number, limit: number): readonly Buffer[];
  get(index: number): Buffer | null;
  /** Indexes of the leaves that revoke, from `since` on. */
  revoking(since: number, limit: number): readonly number[];
  node(level: number, place: number): Buffer | null;
  /** `width` nodes of a level, from the left. */
  row(level: number, place: number, width: number): readonly Buffer[];
}

export function createLeaves(db: Database): Leaves {
  const size = db.prepare<[], number>('SELECT coalesce(max(log_index) + 1, 0) FROM leaves').pluck();
  const add = db.prepare('INSERT INTO leaves VALUES (?, ?, ?)');
  const addNode = db.prepare('INSERT INTO nodes VALUES (?, ?, ?)');
  const from = db
    .prepare<[number, number], Buffer>(
      'SELECT leaf FROM leaves WHERE log_index >= ? ORDER BY log_index LIMIT ?',
    )
    .pluck();
  const get = db.prepare<[number], Buffer>('SELECT leaf FROM leaves WHERE log_index = ?').pluck();
  const revoking = db
    .prepare<[number, number], number>(
      'SELECT log_index FROM leaves WHERE revokes = 1 AND log_index >= ? ORDER BY log_index LIMIT ?',
    )
    .pluck();
  const node = db
    .prepare<[number, number], Buffer>('SELECT hash FROM nodes WHERE level = ? AND place = ?')
    .pluck();
  const row = db
    .prepare<[number, number, number], Buffer>(
      'SELECT hash FROM nodes WHERE level = ? AND place >= ? ORDER BY place LIMIT ?',
    )
    .pluck();
  return {
    size: () => size.get() ?? 0,
    add: (index, leaf, revokes) => void add.run(index, leaf, Number(revokes)),
    addNode: (level, place, hash) => void addNode.run(level, place, hash),
    from: (since, limit) => from.all(since, limit),
    get: (index) => get.get(index) ?? null,
    revoking: (since, limit) => revoking.all(since, limit),
    node: (level, place) => node.get(level, place) ?? null,
    row: (level, place, width) => row.all(level, place, width),
  };
}
