import type { Runtime } from '../contract/index.ts';
import type { HostLimits, HostSettings } from './ports.ts';

/** How much a plugin may ask for and say in a second. */
export interface CallLimits {
  readonly callsPerSecond: number;
  readonly logsPerSecond: number;
  readonly logBytesPerSecond: number;
}

/** What one plugin may use. An admin changes any of it for plugins by `limits` in trust-policy.json. */
export interface PluginLimits extends HostLimits, CallLimits {}

/** What holds for all hosts. */
export interface PoolLimits extends Omit<HostSettings, 'limits'> {
  readonly defaults: PluginLimits;
  /** Memory per runtime in MB: of the isolate, or of the whole child. */
  readonly memoryMb: Readonly<Record<Runtime, number>>;
  /** An unused host is ended after this long. */
  readonly idleMs: number;
  /** Isolate hosts kept ready without a plugin. */
  readonly spares: number;
}

export const DEFAULT_LIMITS: PoolLimits = {
  memoryMb: { isolate: 32, process: 512, driver: 384, python: 256 },
  defaults: {
    memoryMb: 32,
    entryMs: 200,
    openFiles: 128,
    processes: 1,
    callsPerSecond: 2000,
    logsPerSecond: 100,
    logBytesPerSecond: 65_536,
  },
  startMs: 10_000,
  graceMs: 250,
  serveMs: 30_000,
  idleMs: 300_000,
  spares: 1,
};

/** The limits of a plugin: what its runtime has by default, and what the admin set on top. */
export function limitsFor(
  { defaults, memoryMb }: PoolLimits,
  runtime: Runtime,
  set: Partial<PluginLimits>,
): PluginLimits {
  return { ...defaults, memoryMb: memoryMb[runtime], ...set };
}
