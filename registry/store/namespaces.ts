import type { Database } from 'better-sqlite3';
import type { LogEvent } from '@runtime-hub/plugin-sdk/contract';

export interface NamespaceRow {
  readonly name: string;
  /** What is private answers like what is not there to whoever may not read it. */
  readonly visibility: 'public' | 'private';
  readonly salt: string;
  /** True: a person looks at each version before it may be installed. */
  readonly review: boolean;
  readonly createdAt: number;
}

export type KeyEvent = Extract<LogEvent, { event: 'key' }>;
/** A change of a namespace's keys and its leaf; the event names the namespace plainly, the leaf perhaps not. */
export interface LoggedKeyEvent {
  readonly index: number;
  readonly event: KeyEvent;
}

export interface Namespaces {
  add(row: NamespaceRow): void;
  get(name: string): NamespaceRow | null;
  all(): readonly NamespaceRow[];
  setReview(name: string, review: boolean): void;
  addKeyEvent(namespace: string, logged: LoggedKeyEvent): void;
  keyEvents(namespace: string): readonly LoggedKeyEvent[];
}

interface RawNamespace extends Omit<NamespaceRow, 'review'> {
  readonly review: number;
}

const COLUMNS = 'name, visibility, salt, review, created_at AS createdAt';

export function createNamespaces(db: Database): Namespaces {
  const add = db.prepare(
    'INSERT INTO namespaces VALUES (@name, @visibility, @salt, @review, @createdAt)',
  );
  const get = db.prepare<[string], RawNamespace>(
    `SELECT ${COLUMNS} FROM namespaces WHERE name = ?`,
  );
  const all = db.prepare<[], RawNamespace>(`SELECT ${COLUMNS} FROM namespaces ORDER BY name`);
  const setReview = db.prepare('UPDATE namespaces SET review = ? WHERE name = ?');
  const addKeyEvent = db.prepare('INSERT INTO key_events VALUES (?, ?, ?)');
  const keyEvents = db.prepare<[string], { index: number; event: string }>(
    'SELECT log_index AS "index", event FROM key_events WHERE namespace = ? ORDER BY log_index',
  );
  const rowOf = (raw: RawNamespace): NamespaceRow => ({ ...raw, review: raw.review === 1 });
  return {
    add: (row) => void add.run({ ...row, review: Number(row.review) }),
    get: (name) => {
      const raw = get.get(name);
      return raw === undefined ? null : rowOf(raw);
    },
    all: () => all.all().map(rowOf),
    setReview: (name, review) => void setReview.run(Number(review), name),
    addKeyEvent: (namespace, { index, event }) =>
      void addKeyEvent.run(index, namespace, JSON.stringify(event)),
    keyEvents: (namespace) =>
      // SAFETY: `addKeyEvent` wrote each event.
      keyEvents.all(namespace).map((row) => ({
        index: row.index,
        event: JSON.parse(row.event) as KeyEvent,
      })),
  };
}
