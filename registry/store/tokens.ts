import type { Database } from 'better-sqlite3';

export const TOKEN_SCOPES = ['read', 'publish', 'review', 'admin'] as const;
export type TokenScope = (typeof TOKEN_SCOPES)[number];

export interface TokenRow {
  readonly id: string;
  readonly scope: TokenScope;
  /** Null for admins and reviewers of the whole registry. */
  readonly namespace: string | null;
  /** The one plugin it is for; null for all of the namespace. */
  readonly plugin: string | null;
  readonly note: string;
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly endedAt: number | null;
}

/** An answer that was given under an Idempotency-Key. */
export interface Answer {
  readonly actor: string;
  readonly key: string;
  /** SHA-256, hex, of the request. */
  readonly request: string;
  readonly status: number;
  readonly body: string;
  readonly at: number;
}

export interface Tokens {
  add(row: TokenRow, hash: string): void;
  byHash(hash: string): TokenRow | null;
  all(): readonly TokenRow[];
  /** False when there is no such token that still lives. */
  end(id: string, at: number): boolean;
  hasAdmin(): boolean;
  keepAnswer(answer: Answer): void;
  answer(actor: string, key: string): Answer | null;
  /** Forgets answers and tokens that ended before `time`. */
  forget(time: number): void;
}

const COLUMNS = `id, scope, namespace, plugin, note, created_at AS createdAt, expires_at AS expiresAt,
  ended_at AS endedAt`;

export function createTokens(db: Database): Tokens {
  const add = db.prepare(`INSERT INTO tokens VALUES (@id, @hash, @scope, @namespace, @plugin, @note,
    @createdAt, @expiresAt, @endedAt)`);
  const byHash = db.prepare<[string], TokenRow>(`SELECT ${COLUMNS} FROM tokens WHERE hash = ?`);
  const all = db.prepare<[], TokenRow>(`SELECT ${COLUMNS} FROM tokens ORDER BY created_at, id`);
  const end = db.prepare('UPDATE tokens SET ended_at = ? WHERE id = ? AND ended_at IS NULL');
  const hasAdmin = db
    .prepare<[], number>(`SELECT count(*) FROM tokens WHERE scope = 'admin' AND ended_at IS NULL`)
    .pluck();
  const keep = db.prepare(
    'INSERT INTO answers VALUES (@actor, @key, @request, @status, @body, @at)',
  );
  const answer = db.prepare<[string, string], Answer>(
    'SELECT * FROM answers WHERE actor = ? AND key = ?',
  );
  const forgetAnswers = db.prepare('DELETE FROM answers WHERE at < ?');
  const forgetTokens = db.prepare('DELETE FROM tokens WHERE expires_at < ? OR ended_at < ?');
  return {
    add: (row, hash) => void add.run({ ...row, hash }),
    byHash: (hash) => byHash.get(hash) ?? null,
    all: () => all.all(),
    end: (id, at) => end.run(at, id).changes === 1,
    hasAdmin: () => (hasAdmin.get() ?? 0) > 0,
    keepAnswer: (it) => void keep.run(it),
    answer: (actor, key) => answer.get(actor, key) ?? null,
    forget: (time) => {
      forgetAnswers.run(time);
      forgetTokens.run(time, time);
    },
  };
}
