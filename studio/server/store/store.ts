import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { GrantStore, Journal } from '@runtime-hub/kernel';
import { createAuditLog, type AuditLog } from './audit-log.ts';
import { createAuditReader } from './audit-reader.ts';
import { openGrants } from './grants.ts';
import { createJournal } from './journal.ts';
import { lockFolder } from './lock.ts';
import { createMeterStore, type MeterStore } from './meter-store.ts';
import { createRunReader, type RunReader } from './run-reader.ts';
import { createStateStore, type StateStore } from './state-store.ts';
import { openWriter } from './writer.ts';

export type { AuditLog } from './audit-log.ts';
export type { MeterStore } from './meter-store.ts';
export type { RunReader } from './run-reader.ts';
export type { StateStore } from './state-store.ts';

/** Everything durable of one data folder but plugins. */
export interface Store {
  readonly journal: Journal;
  readonly grants: GrantStore;
  readonly audit: AuditLog;
  readonly meter: MeterStore;
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
  const audit = opened.use(createAuditLog({ folder, writer, reader: createAuditReader(reader) }));
  const meter = createMeterStore(writer, reader);
  const parts = opened.move();
  return {
    journal: createJournal(writer, runs),
    grants,
    audit,
    meter,
    runs,
    state: createStateStore(writer, reader),
    flush: async () => await writer.flush(),
    close: async () => await parts.disposeAsync(),
  };
}
