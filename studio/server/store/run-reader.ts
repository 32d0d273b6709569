import type { Database } from 'better-sqlite3';
import type { JournalEntry, RunRecord } from '@runtime-hub/kernel';
import {
  DEFAULT_WORKSPACE,
  runId,
  type RunId,
  type WorkflowDocument,
} from '@runtime-hub/plugin-sdk/contract';

export type RunStatus = 'open' | 'succeeded' | 'failed' | 'cancelled';

/** A run in a list. */
export interface RunRow {
  readonly id: RunId;
  /** The workflow's name. */
  readonly workflow: string;
  readonly status: RunStatus;
  readonly createdAt: number;
  readonly endedAt: number | null;
}

/** All that is durable about a run. */
export interface StoredRun {
  readonly record: RunRecord;
  readonly status: RunStatus;
  readonly endedAt: number | null;
  readonly entries: readonly JournalEntry[];
}

/** Reads what is committed. */
export interface RunReader {
  /** Newest first. */
  list(options: { readonly limit: number; readonly status?: RunStatus }): readonly RunRow[];
  get(id: RunId): StoredRun | null;
  /** Runs that have not ended, oldest first. */
  open(): readonly RunId[];
  /** The workflows of all runs, each as it last ran, and when that was. */
  workflows(): readonly { readonly document: WorkflowDocument; readonly lastRunAt: number }[];
}

interface Row {
  readonly key: number;
  readonly record: string;
  readonly status: RunStatus;
  readonly endedAt: number | null;
}

const COLUMNS = 'id, name AS workflow, status, created_at AS createdAt, ended_at AS endedAt';

export function createRunReader(db: Database): RunReader {
  const list = db.prepare(`SELECT ${COLUMNS} FROM runs ORDER BY key DESC LIMIT ?`);
  const listOf = db.prepare(
    `SELECT ${COLUMNS} FROM runs WHERE status = ? ORDER BY key DESC LIMIT ?`,
  );
  const get = db.prepare('SELECT key, record, status, ended_at AS endedAt FROM runs WHERE id = ?');
  const entries = db.prepare('SELECT entries FROM entries WHERE run = ? ORDER BY seq').pluck();
  const open = db.prepare("SELECT id FROM runs WHERE status = 'open' ORDER BY key").pluck();
  const workflows = db.prepare(
    `SELECT record, created_at AS createdAt FROM runs
     WHERE key IN (SELECT max(key) FROM runs GROUP BY name) ORDER BY key DESC`,
  );
  // One read transaction, so that status and entries are of the same moment.
  const read = db.transaction((id: RunId): StoredRun | null => {
    // SAFETY: the statement selects these columns; the texts were written by the journal.
    const row = get.get(id) as Row | undefined;
    if (row === undefined) return null;
    const texts = entries.all(row.key);
    return {
      // Runs of older hubs know no workspaces.
      record: { workspace: DEFAULT_WORKSPACE, ...(JSON.parse(row.record) as object) } as RunRecord,
      status: row.status,
      endedAt: row.endedAt,
      entries: texts.flatMap((text) => JSON.parse(String(text)) as JournalEntry[]),
    };
  });
  return {
    // SAFETY: the statements select the fields of RunRow.
    list: ({ limit, status }) =>
      (status === undefined ? list.all(limit) : listOf.all(status, limit)) as RunRow[],
    get: (id) => read(id),
    open: () => open.all().map((id) => runId(String(id))),
    workflows: () =>
      // SAFETY: the statement selects these columns; the texts were written by the journal.
      (workflows.all() as { record: string; createdAt: number }[]).map((row) => ({
        document: (JSON.parse(row.record) as RunRecord).workflow,
        lastRunAt: row.createdAt,
      })),
  };
}
