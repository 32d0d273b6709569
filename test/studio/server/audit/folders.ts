import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { pluginId, type AuditRecord } from '@runtime-hub/plugin-sdk/contract';
import { verifyFolder } from '../../../../studio/server/store/audit-folder.ts';
import { openStore, type Store } from '../../../../studio/server/store/store.ts';

/** A data folder that goes with its owner. */
export function dataFolder(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'hub-audit-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** A store that closes with its owner. */
export async function openedStore(folder: string): Promise<Store & AsyncDisposable> {
  const store = await openStore(folder);
  return { ...store, [Symbol.asyncDispose]: async () => await store.close() };
}

export const useOf = (at: number, fields: Partial<AuditRecord> = {}): AuditRecord => ({
  at,
  plugin: pluginId('core/http'),
  need: 'net.http:api.example.com',
  operation: 'request',
  decision: 'allowed',
  run: null,
  node: null,
  by: null,
  ...fields,
});

/** Writes `count` records, at 1, 2, 3 …, and closes the store. */
export async function writeAudit(folder: string, count: number, from = 1): Promise<void> {
  await using store = await openedStore(folder);
  for (let at = from; at < from + count; at += 1) store.audit.append(useOf(at));
}

/** Does to the journal database what somebody with the file could do. */
export function tamper(folder: string, sql: string): void {
  const db = new Database(join(folder, 'journal.sqlite'));
  db.exec(sql);
  db.close();
}

/** The number of the first record that does not hold, null when all do. */
export async function firstBroken(folder: string): Promise<number | null> {
  try {
    await verifyFolder(folder);
    return null;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'AUDIT_BROKEN') {
      // SAFETY: every error of that code has it.
      return (error as unknown as { readonly data: { readonly record: number } }).data.record;
    }
    throw error;
  }
}
