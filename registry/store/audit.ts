import { hash } from 'node:crypto';
import type { Database } from 'better-sqlite3';
import { HubError } from '@runtime-hub/plugin-sdk/contract';

/** One act of a person or token on the registry; no secret is ever part of it. */
export interface AuditRecord {
  readonly at: number;
  readonly actor: string;
  readonly act: string;
  readonly target: string;
  readonly detail: string;
}

/** Acts in order, each chained to the one before by its hash. */
export interface Audit {
  add(record: AuditRecord): void;
  from(
    sequence: number,
    limit: number,
  ): readonly { readonly sequence: number; readonly record: AuditRecord }[];
  /** The hash of the last record. Throws AUDIT_BROKEN at the first record that does not follow from the one before. */
  verify(): string;
}

interface Row {
  readonly sequence: number;
  readonly record: string;
  readonly hash: string;
}

const START = hash('sha256', 'runtime-hub registry audit');

export function createAudit(db: Database): Audit {
  const last = db.prepare<[], Row>('SELECT * FROM audit ORDER BY sequence DESC LIMIT 1');
  const add = db.prepare('INSERT INTO audit VALUES (?, ?, ?)');
  const from = db.prepare<[number, number], Row>(
    'SELECT * FROM audit WHERE sequence >= ? ORDER BY sequence LIMIT ?',
  );
  const all = db.prepare<[], Row>('SELECT * FROM audit ORDER BY sequence');
  return {
    add: (record) => {
      const before = last.get();
      const sequence = (before?.sequence ?? 0) + 1;
      const text = JSON.stringify(record);
      add.run(sequence, text, chained(before?.hash ?? START, sequence, text));
    },
    from: (sequence, limit) =>
      // SAFETY: `add` wrote each record.
      from.all(sequence, limit).map((row) => ({
        sequence: row.sequence,
        record: JSON.parse(row.record) as AuditRecord,
      })),
    verify: () => {
      let [before, expected] = [START, 1];
      for (const row of all.iterate()) {
        if (row.sequence !== expected || row.hash !== chained(before, expected, row.record))
          throw new HubError('AUDIT_BROKEN', {
            record: expected,
            detail: 'it is not the one that was written',
          });
        [before, expected] = [row.hash, expected + 1];
      }
      return before;
    },
  };
}

const chained = (before: string, sequence: number, record: string): string =>
  hash('sha256', `${before}\n${String(sequence)}\n${record}`);
