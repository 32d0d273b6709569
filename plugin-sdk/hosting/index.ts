export { CrashRecord } from './crash-record.ts';
export { leakedDescriptors } from './descriptors.ts';
export { describePlugin } from './describe-plugin.ts';
export { Host } from './host.ts';
export { examineMachine, type Finding } from './jail/doctor.ts';
export { createLauncher } from './jail/launcher.ts';
export {
  DEFAULT_LIMITS,
  limitsFor,
  type CallLimits,
  type PluginLimits,
  type PoolLimits,
} from './limits.ts';
export type * from './ports.ts';
export { residentBytes } from './watchdog.ts';
export { Rate } from './rate.ts';
export { Resting } from './resting.ts';
export { wait } from './wait.ts';
