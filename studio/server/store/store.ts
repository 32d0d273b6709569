import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { Audit, GrantStore, Journal } from '@runtime-hub/kernel';
import type { PluginId, AuditRecord } from '@runtime-hub/plugin-sdk/contract';
import { openGrants } from './grants.ts';
import { createJournal } from './journal.ts';
import { lockFolder } from './lock.ts';
import { createRunReader, type RunReader } from './run-reader.ts';
import { createStateStore, type StateStore } from './state-store.ts';
import { openWriter } from './writer.ts';

export type { RunReader } from './run-reader.ts';
export type { StateStore } from './state-store.ts';

export interface AuditLog extends Audit {
  /** The newest records first, as far as they are durable. */
  list(options: { readonly limit: number; readonly plugin?: PluginId }): readonly AuditRecord[];
}

/** Everything durable of one data folder but plugins. */
export interface Store {
  readonly journal: Journal;
  readonly grants: GrantStore;
  readonly audit: AuditLog;
  readonly runs: RunReader;
  readonly state: StateStore;
  /** Resolves when all that was written so far, audit included, survives power loss. */
  flush(): Promise<void>;
  /** Makes what is waiting durable, then lets go of the folder. */
  close(): Promise<void>;
}

/**
 * Opens a data folder, made when missing, for this process alone. Throws HUB_BUSY when another hub has it.
 * One thread writes; the main thread reads through its own read-only handle.
 */
export async function openStore(folder: string): Promise<Store> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  await using opened = new AsyncDisposableStack();
  opened.use(lockFolder(folder));
  const grants = opened.use(openGrants(folder));
  const file = join(folder, 'journal.sqlite');
  const writer = opened.adopt(await openWriter(file), async (it) => await it.close());
  const reader = opened.adopt(new Database(file, { readonly: true }), (it) => void it.close());
  const runs = createRunReader(reader);
  const audit = reader.prepare('SELECT record FROM audit ORDER BY key DESC LIMIT ?').pluck();
  const ofPlugin = reader
    .prepare('SELECT record FROM audit WHERE plugin = ? ORDER BY key DESC LIMIT ?')
    .pluck();
  const parts = opened.move();
  return {
    journal: createJournal(writer, runs),
    grants,
    audit: {
      append: (record) => writer.post(['audit', record.plugin, JSON.stringify(record)]),
      list({ limit, plugin }) {
        const rows = plugin === undefined ? audit.all(limit) : ofPlugin.all(plugin, limit);
        // SAFETY: `append` alone writes these texts.
        return rows.map((text) => JSON.parse(String(text)) as AuditRecord);
      },
    },
    runs,
    state: createStateStore(writer, reader),
    flush: async () => await writer.flush(),
    close: async () => await parts.disposeAsync(),
  };
}
