import type { Database } from 'better-sqlite3';

/** Who vouches for build jobs: an OIDC issuer and where its keys come from. */
export interface IssuerRow {
  readonly issuer: string;
  /** JSON: `{ "jwks": … }` or `{ "url": "https://…" }`. */
  readonly keys: string;
}

/** A build job that may publish: claims of its token that must be equal. */
export interface WorkloadRow {
  readonly namespace: string;
  readonly plugin: string | null;
  readonly issuer: string;
  /** JSON: claim → value. */
  readonly claims: string;
}

export interface Workloads {
  setIssuer(row: IssuerRow): void;
  issuer(issuer: string): IssuerRow | null;
  issuers(): readonly string[];
  add(row: WorkloadRow): void;
  of(namespace: string, issuer: string): readonly WorkloadRow[];
  /** False when this token was used before. */
  use(issuer: string, jti: string, until: number): boolean;
  /** Forgets used tokens that have expired by themselves. */
  forget(time: number): void;
}

export function createWorkloads(db: Database): Workloads {
  const setIssuer = db.prepare(`INSERT INTO issuers VALUES (@issuer, @keys)
    ON CONFLICT DO UPDATE SET keys = excluded.keys`);
  const issuer = db.prepare<[string], IssuerRow>(
    'SELECT issuer, keys FROM issuers WHERE issuer = ?',
  );
  const issuers = db.prepare<[], string>('SELECT issuer FROM issuers ORDER BY issuer').pluck();
  const add = db.prepare(`INSERT INTO workloads (namespace, plugin, issuer, claims)
    VALUES (@namespace, @plugin, @issuer, @claims)`);
  const of = db.prepare<[string, string], WorkloadRow>(
    'SELECT namespace, plugin, issuer, claims FROM workloads WHERE namespace = ? AND issuer = ?',
  );
  const use = db.prepare('INSERT OR IGNORE INTO used_tokens VALUES (?, ?, ?)');
  const forget = db.prepare('DELETE FROM used_tokens WHERE until < ?');
  return {
    setIssuer: (row) => void setIssuer.run(row),
    issuer: (name) => issuer.get(name) ?? null,
    issuers: () => issuers.all(),
    add: (row) => void add.run(row),
    of: (namespace, name) => of.all(namespace, name),
    use: (name, jti, until) => use.run(name, jti, until).changes === 1,
    forget: (time) => void forget.run(time),
  };
}
