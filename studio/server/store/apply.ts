import type { Database } from 'better-sqlite3';
import { chainHash } from '../audit/chain.ts';
import type { WriteAnswer, WriteRequest } from './requests.ts';

interface KnownRun {
  readonly key: number;
  epoch: number;
  lastSeq: number;
  open: boolean;
}

interface RunRow {
  readonly key: number;
  readonly epoch: number;
  readonly status: string;
  readonly lastSeq: number | null;
}

type Of<Kind extends WriteRequest[0]> = Extract<WriteRequest, readonly [Kind, ...unknown[]]>;

const HASH_BYTES = 32;

/** The writer's hand: performs requests inside the caller's transaction. Only one may exist per database. */
export class Applier {
  readonly #statements: ReturnType<typeof prepare>;
  /** Open runs; what is not here is read from the database. */
  readonly #runs = new Map<string, KnownRun>();
  /** The newest record of the audit. */
  #sequence: number;
  #hash: string;
  readonly #hashBytes = Buffer.alloc(HASH_BYTES);

  constructor(db: Database) {
    this.#statements = prepare(db);
    // SAFETY: the statement selects these columns; `audit_starts` always has a row.
    const last = this.#statements.lastAudit.get() as { sequence: number; hash: string };
    [this.#sequence, this.#hash] = [last.sequence, last.hash];
  }

  apply(request: WriteRequest): WriteAnswer {
    switch (request[0]) {
      case 'create':
        return this.#create(request);
      case 'append':
        return this.#append(request);
      case 'end':
        return this.#end(request);
      case 'claim':
        return this.#claim(request);
      case 'audit':
        return this.#audit(request);
      case 'prune-audit':
        return this.#pruneAudit(request);
      case 'meter':
        this.#statements.meter.run(request[1], request[2], request[3], ...request[4]);
        return 0;
      case 'state':
        this.#statements.setState.run(...request.slice(1));
        return 0;
      case 'forget-state':
        this.#statements.forgetState.run(request[1]);
        return 0;
      case 'sync':
        return 0;
      default: {
        const never: never = request;
        return never;
      }
    }
  }

  #create([, id, name, createdAt, record]: Of<'create'>): WriteAnswer {
    if (this.#find(id) !== null) return conflict(id, 'it exists already');
    const { lastInsertRowid } = this.#statements.create.run(id, name, record, createdAt);
    this.#runs.set(id, { key: Number(lastInsertRowid), epoch: 1, lastSeq: 0, open: true });
    return 1;
  }

  #append([, id, epoch, seq, count, entries]: Of<'append'>): WriteAnswer {
    const run = this.#find(id);
    const refusal = refusalOf(id, run, epoch);
    if (run === null || refusal !== null) return refusal ?? notFound(id);
    if (seq !== run.lastSeq + 1) {
      return conflict(id, `entry ${String(seq)} came after entry ${String(run.lastSeq)}`);
    }
    this.#statements.append.run(run.key, seq, count, entries);
    run.lastSeq += count;
    return 0;
  }

  #end([, id, epoch, status, at]: Of<'end'>): WriteAnswer {
    const run = this.#find(id);
    const refusal = refusalOf(id, run, epoch);
    if (run === null || refusal !== null) return refusal ?? notFound(id);
    this.#statements.end.run(status, at, run.key);
    this.#runs.delete(id);
    return 0;
  }

  /** The new epoch, or 0 when the run is unknown or ended. */
  #claim([, id]: Of<'claim'>): WriteAnswer {
    const run = this.#find(id);
    if (run === null || !run.open) return 0;
    run.epoch += 1;
    this.#statements.claim.run(run.epoch, run.key);
    return run.epoch;
  }

  #audit([, plugin, record]: Of<'audit'>): WriteAnswer {
    this.#sequence += 1;
    this.#hash = chainHash(this.#hash, this.#sequence, record);
    this.#hashBytes.write(this.#hash, 'hex');
    this.#statements.audit.run(this.#sequence, plugin, record, this.#hashBytes);
    return 0;
  }

  #pruneAudit([, upTo, most]: Of<'prune-audit'>): WriteAnswer {
    const { newStart, dropStarts, dropAudit } = this.#statements;
    if (newStart.run(upTo, most).changes === 0) return 0;
    dropStarts.run();
    return dropAudit.run().changes;
  }

  #find(id: string): KnownRun | null {
    const known = this.#runs.get(id);
    if (known !== undefined) return known;
    // SAFETY: the statement selects these columns.
    const row = this.#statements.find.get(id) as RunRow | undefined;
    if (row === undefined) return null;
    const open = row.status === 'open';
    const run = { key: row.key, epoch: row.epoch, lastSeq: row.lastSeq ?? 0, open };
    if (open) this.#runs.set(id, run);
    return run;
  }
}

function refusalOf(id: string, run: KnownRun | null, epoch: number): WriteAnswer | null {
  if (run === null) return notFound(id);
  if (run.epoch !== epoch) return { code: 'RUN_FENCED', data: { run: id, epoch } };
  return run.open ? null : conflict(id, 'it has ended');
}

const notFound = (run: string): WriteAnswer => ({ code: 'RUN_NOT_FOUND', data: { run } });
const conflict = (run: string, detail: string): WriteAnswer => ({
  code: 'RUN_CONFLICT',
  data: { run, detail },
});

const prepare = (db: Database) => ({
  find: db.prepare(
    `SELECT key, epoch, status,
       (SELECT seq + count - 1 FROM entries WHERE run = runs.key ORDER BY seq DESC LIMIT 1) AS lastSeq
     FROM runs WHERE id = ?`,
  ),
  create: db.prepare(
    `INSERT INTO runs (id, name, record, status, epoch, created_at) VALUES (?, ?, ?, 'open', 1, ?)`,
  ),
  append: db.prepare(`INSERT INTO entries (run, seq, count, entries) VALUES (?, ?, ?, ?)`),
  end: db.prepare(`UPDATE runs SET status = ?, ended_at = ? WHERE key = ?`),
  claim: db.prepare(`UPDATE runs SET epoch = ? WHERE key = ?`),
  lastAudit: db.prepare(
    `SELECT sequence, lower(hex(hash)) AS hash FROM audit
     UNION ALL SELECT sequence, hash FROM audit_starts ORDER BY sequence DESC LIMIT 1`,
  ),
  audit: db.prepare(`INSERT INTO audit (sequence, plugin, record, hash) VALUES (?, ?, ?, ?)`),
  newStart: db.prepare(
    `INSERT INTO audit_starts
     SELECT sequence, lower(hex(hash)) FROM audit WHERE sequence <= ? AND sequence <=
       (SELECT max(sequence) FROM audit_starts) + ? ORDER BY sequence DESC LIMIT 1`,
  ),
  dropStarts: db.prepare(
    'DELETE FROM audit_starts WHERE sequence < (SELECT max(sequence) FROM audit_starts)',
  ),
  dropAudit: db.prepare(
    'DELETE FROM audit WHERE sequence <= (SELECT max(sequence) FROM audit_starts)',
  ),
  meter: db.prepare(`INSERT OR REPLACE INTO meter VALUES (${'?, '.repeat(11)}?)`),
  setState: db.prepare(
    `INSERT INTO state (plugin, workflow, key, value) VALUES (?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET value = excluded.value`,
  ),
  forgetState: db.prepare(`DELETE FROM state WHERE plugin = ?`),
});
