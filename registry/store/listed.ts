import type { Database } from 'better-sqlite3';

/** A plugin as a search gives it: its newest active version. `item` is the JSON of the search item without `downloads`. */
export interface ListedRow {
  readonly plugin: string;
  readonly namespace: string;
  readonly runtime: string;
  readonly capabilities: readonly string[];
  readonly item: string;
  readonly title: string;
  readonly description: string;
  /** What else it is found by: titles of its nodes. */
  readonly more: string;
}

export interface Question {
  /** Words that all must be there, each as a prefix; none asks for everything. */
  readonly words: readonly string[];
  readonly capability: string | null;
  readonly runtime: string | null;
  readonly namespace: string | null;
  /** Private namespaces the asker may read. */
  readonly readable: readonly string[];
  readonly offset: number;
  readonly limit: number;
}

export interface ListedItem {
  readonly item: string;
  readonly downloads: number;
}

export interface Listed {
  put(row: ListedRow): void;
  remove(plugin: string): void;
  find(question: Question): readonly ListedItem[];
  /** Adds to the counts, in one transaction of the caller. */
  addDownloads(counts: ReadonlyMap<string, number>): void;
  downloads(plugin: string): number;
  ids(namespace: string): readonly string[];
  count(): number;
}

const FILTERS = `(@capability IS NULL OR listed.capabilities LIKE '% ' || @capability || ' %')
  AND (@runtime IS NULL OR listed.runtime = @runtime)
  AND (@namespace IS NULL OR listed.namespace = @namespace)
  AND (namespaces.visibility = 'public' OR listed.namespace IN (SELECT value FROM json_each(@readable)))`;
const JOIN = 'JOIN namespaces ON namespaces.name = listed.namespace';

export function createListed(db: Database): Listed {
  const sql = { ...statements(db), ...counting(db) };
  const drop = (plugin: string): void => {
    const known = sql.key.get(plugin);
    if (known === undefined) return;
    sql.removeWords.run(known);
    sql.remove.run(known);
  };
  return {
    put: (row) => {
      drop(row.plugin);
      const capabilities = ` ${row.capabilities.join(' ')} `;
      const { lastInsertRowid } = sql.put.run({ ...row, capabilities });
      sql.putWords.run(lastInsertRowid, row.plugin, row.title, row.description, row.more);
    },
    remove: drop,
    find: ({ words, readable, ...rest }) => {
      const asked = { ...rest, readable: JSON.stringify(readable) };
      if (words.length === 0) return sql.browse.all(asked);
      return sql.search.all({ ...asked, match: words.map(prefixOf).join(' ') });
    },
    addDownloads: (counts) => {
      for (const [plugin, more] of counts) {
        sql.addDownload.run({ plugin, count: more });
        sql.showDownload.run({ plugin, count: more });
      }
    },
    downloads: (plugin) => sql.downloads.get(plugin) ?? 0,
    ids: (namespace) => sql.ids.all(namespace),
    count: () => sql.count.get() ?? 0,
  };
}

function statements(db: Database) {
  const key = db.prepare<[string], number>('SELECT key FROM listed WHERE plugin = ?').pluck();
  const put =
    db.prepare(`INSERT INTO listed (plugin, namespace, runtime, capabilities, item, downloads)
    VALUES (@plugin, @namespace, @runtime, @capabilities, @item,
      coalesce((SELECT count FROM downloads WHERE plugin = @plugin), 0))`);
  const remove = db.prepare('DELETE FROM listed WHERE key = ?');
  const putWords = db.prepare(
    'INSERT INTO words (rowid, id, title, description, more) VALUES (?, ?, ?, ?, ?)',
  );
  const removeWords = db.prepare('DELETE FROM words WHERE rowid = ?');
  const browse = db.prepare<[object], ListedItem>(`SELECT item, downloads FROM listed ${JOIN}
    WHERE ${FILTERS} ORDER BY listed.plugin LIMIT @limit OFFSET @offset`);
  const search = db.prepare<[object], ListedItem>(`SELECT listed.item, listed.downloads
    FROM words JOIN listed ON listed.key = words.rowid ${JOIN}
    WHERE words MATCH @match AND ${FILTERS}
    ORDER BY bm25(words, 8, 4, 1, 1), listed.plugin LIMIT @limit OFFSET @offset`);
  const addDownload = db.prepare(`INSERT INTO downloads VALUES (@plugin, @count)
    ON CONFLICT DO UPDATE SET count = count + excluded.count`);
  const showDownload = db.prepare(
    `UPDATE listed SET downloads = downloads + @count WHERE plugin = @plugin`,
  );
  return { key, put, remove, putWords, removeWords, browse, search, addDownload, showDownload };
}

function counting(db: Database) {
  const downloads = db
    .prepare<[string], number>('SELECT count FROM downloads WHERE plugin = ?')
    .pluck();
  const ids = db
    .prepare<[string], string>('SELECT plugin FROM listed WHERE namespace = ? ORDER BY plugin')
    .pluck();
  const count = db.prepare<[], number>('SELECT count(*) FROM listed').pluck();
  return { downloads, ids, count };
}

/** A word as FTS5 takes it literally: in quotes it is no operator. */
const prefixOf = (word: string): string => `"${word.replaceAll('"', '')}"*`;
