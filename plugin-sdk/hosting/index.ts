export { Host } from './host.ts';
export { examineMachine, type Finding } from './jail/doctor.ts';
export { createLauncher } from './jail/launcher.ts';
export type * from './ports.ts';
export { residentBytes } from './watchdog.ts';
