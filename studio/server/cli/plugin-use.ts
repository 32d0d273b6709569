import type { MeterTotal } from '../store/meter-store.ts';
import { table } from './output.ts';

/** What the hub tells of what each version of a plugin used; today is the day in UTC. */
export interface PluginUse {
  readonly today: readonly MeterTotal[];
  readonly last30Days: readonly MeterTotal[];
}

/** A line for each version that used anything in 30 days; empty when none did. */
export function useTable({ today, last30Days }: PluginUse): string {
  if (last30Days.length === 0) return '';
  const rows = last30Days.map((month) => {
    const day = today.find((it) => it.plugin === month.plugin && it.version === month.version);
    const figures = (['cpuMs', 'peakRssBytes', 'calls', 'denied', 'crashes'] as const).map(
      (name) => `${WORDS[name](day?.[name] ?? 0)} / ${WORDS[name](month[name])}`,
    );
    return [month.plugin, month.version, ...figures];
  });
  const head = ['ID', 'VERSION', 'CPU', 'PEAK MEMORY', 'CALLS', 'DENIED', 'CRASHES'];
  return `Used today (UTC) / in the last 30 days:\n${table(head, rows)}`;
}

const WORDS = {
  cpuMs: timeWords,
  peakRssBytes: (it: number) => `${(it / 1e6).toFixed(0)} MB`,
  calls: String,
  denied: String,
  crashes: String,
} as const;

function timeWords(ms: number): string {
  if (ms < 1000) return `${ms.toFixed(0)} ms`;
  if (ms < 100_000) return `${(ms / 1000).toFixed(1)} s`;
  if (ms < 6_000_000) return `${(ms / 60_000).toFixed(1)} min`;
  return `${(ms / 3_600_000).toFixed(1)} h`;
}
