import type { Database } from 'better-sqlite3';

export type DocumentName = 'readme' | 'changelog' | 'icon';

/** What a version's page shows, as its artifact holds it. */
export interface Documents {
  add(version: number, name: DocumentName, type: string, content: Uint8Array): void;
  get(
    version: number,
    name: DocumentName,
  ): { readonly type: string; readonly content: Buffer } | null;
}

export function createDocuments(db: Database): Documents {
  const add = db.prepare('INSERT INTO documents VALUES (?, ?, ?, ?)');
  const get = db.prepare<[number, string], { type: string; content: Buffer }>(
    'SELECT type, content FROM documents WHERE version = ? AND name = ?',
  );
  return {
    add: (version, name, type, content) => void add.run(version, name, type, content),
    get: (version, name) => get.get(version, name) ?? null,
  };
}
