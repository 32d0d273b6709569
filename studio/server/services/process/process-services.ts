import type { Service, ServiceUse } from '@runtime-hub/kernel';
import { HubError, type CapabilityName, type Json } from '@runtime-hub/plugin-sdk/contract';
import { Slots } from '../queues.ts';
import { findConfinement, type Confinement } from './confinement.ts';
import { endProgram, type EndArgs } from './end-program.ts';
import { listPrograms } from './list-programs.ts';
import type { ProgramTree } from './program-tree.ts';
import { runProgram, type RunArgs, type RunPorts } from './run-program.ts';

export interface ProcessPorts extends Pick<RunPorts, 'onOutput' | 'reveal' | 'redact'> {
  /** True for a process that no plugin may end; the hub itself, its parents and what it started are known. */
  readonly isOwn: (pid: number) => boolean;
  /** X display that programs get; none when left out. */
  readonly display?: string;
  /** Programs of one plugin at once; others wait. 8 when left out. */
  readonly maxPrograms?: number;
  /** Processes of one program at once; it is ended when it has more. 512 when left out. */
  readonly maxProcesses?: number;
  /** Found by trying when left out. */
  readonly confinement?: Confinement;
}

const MAX_PROGRAMS = 8;
const MAX_PROCESSES = 512;

/** The capabilities `process.run`, `process.list` and `process.end`. */
export function createProcessServices(ports: ProcessPorts): readonly Service[] {
  const { onOutput, reveal, redact, isOwn, display = null } = ports;
  const running = new Set<ProgramTree>();
  const slots = new Slots(ports.maxPrograms ?? MAX_PROGRAMS);
  const maxProcesses = ports.maxProcesses ?? MAX_PROCESSES;
  let found: Promise<Confinement> | null = null;
  return [
    service('process.run', 'run', async (args, use) => {
      found ??=
        ports.confinement === undefined ? findConfinement() : Promise.resolve(ports.confinement);
      const confinement = await found;
      const parts = { confinement, display, maxProcesses, onOutput, reveal, redact, running };
      return await slots.run(use.caller.plugin, use.signal, async () => {
        // SAFETY: the broker checked the arguments against the contract.
        return await runProgram(args as RunArgs, use, parts);
      });
    }),
    service('process.list', 'list', async (args) => {
      requireTable('process.list');
      // SAFETY: as above.
      return await listPrograms((args as { readonly name?: string }).name, redact);
    }),
    service('process.end', 'end', async (args, use) => {
      requireTable('process.end');
      // SAFETY: as above.
      return { ...(await endProgram(args as EndArgs, use, { isOwn, running })) };
    }),
  ];
}

function service(
  capability: CapabilityName,
  name: string,
  perform: (args: Json, use: ServiceUse) => Promise<Json>,
): Service {
  return {
    capability,
    async call(operation, args, use) {
      if (operation === name) return await perform(args, use);
      const need = `${capability}.${operation}`;
      throw new HubError('CAPABILITY_DENIED', { plugin: use.caller.plugin, need });
    },
  };
}

/** Throws CAPABILITY_UNAVAILABLE where the system has no /proc to read what runs from. */
function requireTable(need: CapabilityName): void {
  if (process.platform !== 'linux') throw new HubError('CAPABILITY_UNAVAILABLE', { need });
}
