import type { Runtime } from '@runtime-hub/plugin-sdk/contract';
import type { HostSettings } from '../ports.ts';
import type { CallLimits } from './host-calls.ts';

export interface PoolLimits extends Omit<HostSettings, 'limits'> {
  readonly calls: CallLimits;
  /** Memory per runtime in MB: of the isolate, or of the whole child. */
  readonly memoryMb: Readonly<Record<Runtime, number>>;
  /** CPU time one entry into an isolate may take. */
  readonly entryMs: number;
  /** An unused host is ended after this long. */
  readonly idleMs: number;
  /** Isolate hosts kept ready without a plugin. */
  readonly spares: number;
}

export const DEFAULT_LIMITS: PoolLimits = {
  memoryMb: { isolate: 32, process: 512, driver: 384 },
  entryMs: 200,
  calls: { callsPerSecond: 2000, logsPerSecond: 100, logBytesPerSecond: 65_536 },
  startMs: 10_000,
  graceMs: 250,
  serveMs: 30_000,
  idleMs: 300_000,
  spares: 1,
};
