import type { Database } from 'better-sqlite3';
import type { MeterReading, PluginId } from '@runtime-hub/plugin-sdk/contract';
import type { Writer } from './writer.ts';

/** What plugins used, by plugin, version and day (UTC). */
export interface MeterStore {
  /** What is durable of one plugin, or of all, since a day `YYYY-MM-DD`; the newest day first. */
  list(options?: { readonly plugin?: PluginId; readonly since?: string }): readonly MeterReading[];
  get(plugin: PluginId, version: string, day: string): MeterReading | null;
  /** Keeps a day's figures with the next commit, instead of earlier ones. */
  put(reading: MeterReading): void;
}

const COLUMNS = `plugin, version, day, steps, calls, denied, rate_exceeded AS rateExceeded, crashes,
  cpu_ms AS cpuMs, peak_rss_bytes AS peakRssBytes, log_bytes AS logBytes, blob_bytes AS blobBytes`;

export function createMeterStore(writer: Writer, db: Database): MeterStore {
  const all = db.prepare(`SELECT ${COLUMNS} FROM meter WHERE day >= ? ORDER BY day DESC, plugin`);
  const some = db.prepare(
    `SELECT ${COLUMNS} FROM meter WHERE plugin = ? AND day >= ? ORDER BY day DESC, version`,
  );
  const one = db.prepare(
    `SELECT ${COLUMNS} FROM meter WHERE plugin = ? AND version = ? AND day = ?`,
  );
  return {
    // SAFETY: the statements select the fields of MeterReading.
    list: ({ plugin, since = '' } = {}) =>
      (plugin === undefined ? all.all(since) : some.all(plugin, since)) as MeterReading[],
    get: (plugin, version, day) =>
      (one.get(plugin, version, day) as MeterReading | undefined) ?? null,
    put(it) {
      const counts = [it.steps, it.calls, it.denied, it.rateExceeded, it.crashes];
      const sizes = [it.cpuMs, it.peakRssBytes, it.logBytes, it.blobBytes];
      writer.post(['meter', it.plugin, it.version, it.day, [...counts, ...sizes]]);
    },
  };
}
