import type { Database } from 'better-sqlite3';
import type { MeterReading, PluginId } from '@runtime-hub/plugin-sdk/contract';
import type { Writer } from './writer.ts';

/** What one version of a plugin used on several days. */
export type MeterTotal = Omit<MeterReading, 'day'>;

/** What plugins used, by plugin, version and day (UTC). */
export interface MeterStore {
  /** What is durable of one plugin, or of all, since a day `YYYY-MM-DD`; the newest day first. */
  list(options?: { readonly plugin?: PluginId; readonly since?: string }): readonly MeterReading[];
  /** What each version used on a number of days up to the one of `now` (milliseconds since 1970), that one included. */
  totals(days: number, now: number): readonly MeterTotal[];
  get(plugin: PluginId, version: string, day: string): MeterReading | null;
  /** Keeps a day's figures with the next commit, instead of earlier ones. */
  put(reading: MeterReading): void;
}

const COLUMNS = `plugin, version, day, steps, calls, denied, rate_exceeded AS rateExceeded, crashes,
  cpu_ms AS cpuMs, peak_rss_bytes AS peakRssBytes, log_bytes AS logBytes, blob_bytes AS blobBytes`;

const TOTALS = `plugin, version, sum(steps) AS steps, sum(calls) AS calls, sum(denied) AS denied,
  sum(rate_exceeded) AS rateExceeded, sum(crashes) AS crashes, sum(cpu_ms) AS cpuMs,
  max(peak_rss_bytes) AS peakRssBytes, sum(log_bytes) AS logBytes, sum(blob_bytes) AS blobBytes`;

const DAY_MS = 86_400_000;
const DAY_LENGTH = 10;

export function createMeterStore(writer: Writer, db: Database): MeterStore {
  const all = db.prepare(`SELECT ${COLUMNS} FROM meter WHERE day >= ? ORDER BY day DESC, plugin`);
  const some = db.prepare(
    `SELECT ${COLUMNS} FROM meter WHERE plugin = ? AND day >= ? ORDER BY day DESC, version`,
  );
  const one = db.prepare(
    `SELECT ${COLUMNS} FROM meter WHERE plugin = ? AND version = ? AND day = ?`,
  );
  const totals = db.prepare(
    `SELECT ${TOTALS} FROM meter WHERE day >= ? GROUP BY plugin, version ORDER BY plugin, version`,
  );
  return {
    // SAFETY: the statements select the fields of MeterReading, and of MeterTotal.
    list: ({ plugin, since = '' } = {}) =>
      (plugin === undefined ? all.all(since) : some.all(plugin, since)) as MeterReading[],
    totals(days, now) {
      const first = new Date(now - (days - 1) * DAY_MS).toISOString().slice(0, DAY_LENGTH);
      return totals.all(first) as MeterTotal[];
    },
    get: (plugin, version, day) =>
      (one.get(plugin, version, day) as MeterReading | undefined) ?? null,
    put(it) {
      const counts = [it.steps, it.calls, it.denied, it.rateExceeded, it.crashes];
      const sizes = [it.cpuMs, it.peakRssBytes, it.logBytes, it.blobBytes];
      writer.post(['meter', it.plugin, it.version, it.day, [...counts, ...sizes]]);
    },
  };
}
