import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '@runtime-hub/kernel';
import { HubError } from '@runtime-hub/plugin-sdk/contract';

/** How long records are kept when nobody said. */
const DEFAULT_DAYS = 400;
export const MOST_DAYS = 36_500;
export const DAY_MS = 86_400_000;

/** For how many days the audit of a data folder is kept. Throws HUB_REQUEST_INVALID for a file that says something else. */
export function retentionDays(folder: string): number {
  const file = retentionFile(folder);
  if (!existsSync(file)) return DEFAULT_DAYS;
  const text = readFileSync(file, 'utf8').trim();
  const days = Number(text);
  if (Number.isInteger(days) && days >= 1 && days <= MOST_DAYS) return days;
  throw new HubError('HUB_REQUEST_INVALID', {
    field: 'audit-days.txt',
    value: text.slice(0, 100),
    cure: 'Set it with hub audit keep --days <number>, or remove the file of the data folder.',
  });
}

export function setRetentionDays(folder: string, days: number): void {
  const file = retentionFile(folder);
  writeFileSync(`${file}.new`, `${String(days)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** Has `act` done now and then once a day, until it is disposed; one that fails is tried again a day later. */
export function daily(clock: Clock, act: () => Promise<unknown>): Disposable {
  let timer: Disposable | null = null;
  const go = (): void => {
    act().catch(() => undefined);
    timer = clock.after(DAY_MS, go);
  };
  go();
  return { [Symbol.dispose]: () => timer?.[Symbol.dispose]() };
}

const retentionFile = (folder: string): string => join(folder, 'audit-days.txt');
