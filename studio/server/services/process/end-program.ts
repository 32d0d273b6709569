import { realpath } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import type { Static } from 'typebox';
import type { ServiceUse } from '@runtime-hub/kernel';
import { codeOf, type EndOperations } from '@runtime-hub/plugin-sdk/contract';
import {
  entryNow,
  lineOf,
  lives,
  programOf,
  readTable,
  signalSame,
  treeOf,
  type ProcessEntry,
} from './process-table.ts';
import { permitReal, refused } from './program.ts';
import type { ProgramTree } from './program-tree.ts';

export type EndArgs = Static<typeof EndOperations.end.args>;

export interface EndPorts {
  /** True for a process of the hub: itself, its hosts, what it needs. */
  readonly isOwn: (pid: number) => boolean;
  /** Trees of programs that run for plugins; what is in them may be ended. */
  readonly running: ReadonlySet<ProgramTree>;
}

const GRACE_MS = 2000;
const MAX_KILL_MS = 5000;
const POLL_MS = 20;

/**
 * Ends a process and all it started. Rejects with PROCESS_REFUSED when `pid` does not run `program`, is the hub's, or does
 * not end, with what `permit` throws, or the reason of `use.signal`.
 */
export async function endProgram(
  args: EndArgs,
  use: ServiceUse,
  ports: EndPorts,
): Promise<{ readonly ended: number }> {
  const { program, graceMs = GRACE_MS } = args;
  const target = await findTarget(args, use);
  if (isProtected(await readTable(), target.pid, ports)) throw refused(program, OWN);
  const known = new Map([[target.pid, target]]);
  const ending = { program, known, isOwn: ports.isOwn, signal: use.signal };
  await signalTree({ ...ending, how: 'SIGTERM', withinMs: graceMs });
  await signalTree({ ...ending, how: 'SIGKILL', withinMs: MAX_KILL_MS });
  const isLeft = [...known.values()].some((it) => lives(it));
  if (isLeft) throw refused(program, 'the process does not end');
  return { ended: known.size };
}

const OTHER = 'the process does not run it';
const OWN = 'the process belongs to the hub';

/** The process, which ran the program before its start time was read and after, so that its pid was not given to another between. */
async function findTarget(args: EndArgs, use: ServiceUse): Promise<ProcessEntry> {
  const { pid, program } = args;
  const target = entryNow(pid);
  const real = await realpath(program).catch(() => program);
  const runs = await programOf(pid);
  if (target === null || runs === null || (runs !== program && runs !== real))
    throw refused(program, OTHER);
  permitReal(use, 'process.end', args, real);
  if (!lives(target)) throw refused(program, OTHER);
  return target;
}

/** The hub, what started it, and what it started, but for the programs it runs for plugins. */
function isProtected(
  table: readonly ProcessEntry[],
  pid: number,
  { isOwn, running }: EndPorts,
): boolean {
  if (pid === 1 || isOwn(pid) || lineOf(table, process.pid).includes(pid)) return true;
  const line = lineOf(table, pid);
  const roots = new Set([...running].map((it) => it.root?.pid));
  return line.includes(process.pid) && !line.some((it) => roots.has(it));
}

interface Ending {
  readonly program: string;
  /** What is to end, by pid; grows with what it starts meanwhile. */
  readonly known: Map<number, ProcessEntry>;
  readonly isOwn: (pid: number) => boolean;
  readonly signal: AbortSignal;
  readonly how: 'SIGTERM' | 'SIGKILL';
  readonly withinMs: number;
}

/** Signals a tree until nothing of it lives, or for a time: each process once with SIGTERM, again and again with SIGKILL. */
async function signalTree({ program, known, isOwn, signal, how, withinMs }: Ending): Promise<void> {
  const deadline = performance.now() + withinMs;
  const asked = new Set<number>();
  for (;;) {
    const table = await readTable();
    signal.throwIfAborted();
    const live = [...known.values()].filter((it) => lives(it));
    if (live.length === 0) return;
    const tree = treeOf(table, new Set(live.map((it) => it.pid)));
    for (const it of tree.filter(({ pid, zombie }) => !zombie && !isOwn(pid)))
      known.set(it.pid, it);
    for (const it of known.values()) {
      if (how === 'SIGTERM' && asked.has(it.pid)) continue;
      asked.add(it.pid);
      signalOrRefuse(it, how, program);
    }
    if (performance.now() >= deadline) return;
    await wait(POLL_MS, undefined, { signal });
  }
}

function signalOrRefuse(entry: ProcessEntry, how: NodeJS.Signals, program: string): void {
  try {
    signalSame(entry, how);
  } catch (error) {
    if (codeOf(error) !== 'EPERM') throw error;
    throw refused(program, 'the system does not let the hub end the process', error);
  }
}
