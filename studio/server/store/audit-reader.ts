import { existsSync } from 'node:fs';
import { join } from 'node:path';
import Database, { type Database as Db } from 'better-sqlite3';
import { HubError, type AuditRecord, type PluginId } from '@runtime-hub/plugin-sdk/contract';
import type { ChainPoint } from '../audit/chain.ts';
import type { StoredRecord } from '../audit/verify.ts';
import { JOURNAL_STEPS } from './schema.ts';

/** Which records of the audit; all when nothing is named. */
export interface AuditFilter {
  readonly plugin?: PluginId;
  readonly capability?: string;
  readonly decision?: string;
  readonly run?: string;
  /** Milliseconds since 1970. */
  readonly since?: number;
}

export interface NumberedRecord extends AuditRecord {
  readonly sequence: number;
}

/** Some records, the newest first; `next` is where to go on (`before`), null when there is no more. */
export interface AuditPage {
  readonly records: readonly NumberedRecord[];
  readonly next: number | null;
}

/** Reads the part of the audit that is durable. */
export interface AuditReader {
  /** At most `limit` that fit. Looks at 20,000 records a page, so that one may be short and yet not the last. */
  page(filter: AuditFilter, how: { readonly limit: number; readonly before?: number }): AuditPage;
  /** Where the chain begins: behind what was pruned. */
  from(): ChainPoint;
  /** The newest record. */
  to(): ChainPoint;
  /** The place of one record, or of where the chain begins; null when it isn't there. */
  point(sequence: number): ChainPoint | null;
  /** Records in order, after one number and up to another. */
  records(after: number, upTo: number): Generator<StoredRecord, void>;
  /** The last record before a time, as far as the hub's clock went forward. */
  lastBefore(at: number): number;
}

const PAGE = 1000;
const MOST_LOOKED_AT = 20_000;

interface Row {
  readonly sequence: number;
  readonly plugin: string;
  readonly record: string;
}

export function createAuditReader(db: Db): AuditReader {
  const select = prepare(db);
  const from = (): ChainPoint => asPoint(select.from.get()) ?? { sequence: 0, hash: '' };
  const to = (): ChainPoint => asPoint(select.to.get()) ?? from();
  const point = (sequence: number): ChainPoint | null => {
    const start = from();
    return start.sequence === sequence ? start : asPoint(select.at.get(sequence));
  };
  return {
    page: (filter, how) => pageOf(select, filter, how),
    from,
    to,
    point,
    *records(after, upTo) {
      for (let last = after; ;) {
        // SAFETY: the statement selects the fields of StoredRecord.
        const rows = select.forward.all(last, upTo, PAGE) as StoredRecord[];
        yield* rows;
        const end = rows.at(-1);
        if (end === undefined) return;
        last = end.sequence;
      }
    },
    lastBefore(at) {
      let [low, high] = [from().sequence, to().sequence];
      while (low < high) {
        const middle = Math.ceil((low + high) / 2);
        if (Number(select.time.get(middle) ?? 0) < at) low = middle;
        else high = middle - 1;
      }
      return low;
    },
  };
}

/** Opens the audit of a data folder for reading alone, whether a hub is using it or not. */
export function openAuditReader(folder: string): AuditReader & Disposable {
  const file = join(folder, 'journal.sqlite');
  const db = existsSync(file) ? new Database(file, { readonly: true }) : null;
  const version = Number(db?.pragma('user_version', { simple: true }) ?? 0);
  if (db === null || version !== JOURNAL_STEPS.length) {
    db?.close();
    throw new HubError('HUB_REQUEST_INVALID', {
      field: '--data',
      value: folder,
      cure: 'Name the data folder of a hub of this version that was started once.',
    });
  }
  // One moment for all that is read: a hub may go on writing.
  db.exec('BEGIN');
  return { ...createAuditReader(db), [Symbol.dispose]: () => void db.close() };
}

function pageOf(
  select: ReturnType<typeof prepare>,
  filter: AuditFilter,
  { limit, before = Number.MAX_SAFE_INTEGER }: { readonly limit: number; readonly before?: number },
): AuditPage {
  const { plugin } = filter;
  const rows =
    plugin === undefined
      ? select.backward.iterate(before, MOST_LOOKED_AT)
      : select.backwardOf.iterate(plugin, before, MOST_LOOKED_AT);
  const records: NumberedRecord[] = [];
  let looked = 0;
  let last = before;
  for (const row of rows) {
    if (records.length === limit) return { records, next: last };
    // SAFETY: the statements select these columns, and the hub wrote the records.
    const { sequence, record } = row as Row;
    const parsed = JSON.parse(record) as AuditRecord;
    looked += 1;
    last = sequence;
    if (fits(parsed, filter)) records.push({ sequence, ...parsed });
  }
  return { records, next: looked === MOST_LOOKED_AT ? last : null };
}

function fits(record: AuditRecord, { capability, decision, run, since }: AuditFilter): boolean {
  if (capability !== undefined && !record.need.startsWith(`${capability}:`)) return false;
  if (decision !== undefined && record.decision !== decision) return false;
  if (run !== undefined && record.run !== run) return false;
  return since === undefined || record.at >= since;
}

// SAFETY: the statements select the fields of ChainPoint.
const asPoint = (row: unknown): ChainPoint | null => (row as ChainPoint | undefined) ?? null;

const prepare = (db: Db) => ({
  from: db.prepare('SELECT sequence, hash FROM audit_starts ORDER BY sequence DESC LIMIT 1'),
  to: db.prepare(
    'SELECT sequence, lower(hex(hash)) AS hash FROM audit ORDER BY sequence DESC LIMIT 1',
  ),
  at: db.prepare('SELECT sequence, lower(hex(hash)) AS hash FROM audit WHERE sequence = ?'),
  time: db.prepare(`SELECT json_extract(record, '$.at') FROM audit WHERE sequence = ?`).pluck(),
  forward: db.prepare(
    `SELECT sequence, plugin, record, lower(hex(hash)) AS hash FROM audit
     WHERE sequence > ? AND sequence <= ? ORDER BY sequence LIMIT ?`,
  ),
  backward: db.prepare(
    'SELECT sequence, record FROM audit WHERE sequence < ? ORDER BY sequence DESC LIMIT ?',
  ),
  backwardOf: db.prepare(
    'SELECT sequence, record FROM audit WHERE plugin = ? AND sequence < ? ORDER BY sequence DESC LIMIT ?',
  ),
});
