import { readdirSync, readFileSync } from 'node:fs';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { uptime } from 'node:os';
import { codeOf } from '@runtime-hub/plugin-sdk/contract';

/** A line of the system's table of processes: proc_pid_stat(5). */
export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** Ended, but its parent has not asked how. */
  readonly zombie: boolean;
  readonly name: string;
  /** When it started, in ticks since the machine did; with the pid it names one process for ever. */
  readonly startTicks: number;
}

/** USER_HZ, which is 100 on every architecture node runs on. */
const TICK_MS = 10;

/** Null when there is no such process. */
export async function readEntry(pid: number): Promise<ProcessEntry | null> {
  return parseStat(await readFile(statOf(pid), 'utf8').catch(() => ''));
}

export async function readTable(): Promise<readonly ProcessEntry[]> {
  const names = (await readdir('/proc')).filter((name) => /^\d+$/u.test(name));
  const entries = await Promise.all(names.map((name) => readEntry(Number(name))));
  return entries.filter((it) => it !== null);
}

/** The same without a turn of the event loop; a few milliseconds. */
export function tableNow(): readonly ProcessEntry[] {
  const names = readdirSync('/proc').filter((name) => /^\d+$/u.test(name));
  return names.map((name) => entryNow(Number(name))).filter((it) => it !== null);
}

/** The file that runs as a process; null when it may not be known, is gone from its path, or there is none. */
export async function programOf(pid: number): Promise<string | null> {
  const path = await readlink(`/proc/${String(pid)}/exe`).catch(() => '');
  return path === '' || path.endsWith(' (deleted)') ? null : path;
}

/** Milliseconds since 1970. */
export const startedAt = ({ startTicks }: ProcessEntry): number =>
  Math.round(Date.now() - uptime() * 1000 + startTicks * TICK_MS);

/** All below `roots` and themselves, as far as they are in the table. */
export function treeOf(
  table: readonly ProcessEntry[],
  roots: ReadonlySet<number>,
): readonly ProcessEntry[] {
  const children = Map.groupBy(table, (it) => it.parent);
  const found = new Map(table.filter((it) => roots.has(it.pid)).map((it) => [it.pid, it]));
  for (const { pid } of found.values())
    for (const child of children.get(pid) ?? []) found.set(child.pid, child);
  return [...found.values()];
}

/** A process, its parent, and so on up. */
export function lineOf(table: readonly ProcessEntry[], pid: number): readonly number[] {
  const parents = new Map(table.map((it) => [it.pid, it.parent]));
  const line = new Set<number>();
  for (let at = pid; at > 0 && !line.has(at); at = parents.get(at) ?? 0) line.add(at);
  return [...line];
}

/** Signals a process if its pid still means the same one; false when it does not. Throws what the system says, as EPERM. */
export function signalSame(
  { pid, startTicks }: Pick<ProcessEntry, 'pid' | 'startTicks'>,
  signal: NodeJS.Signals,
): boolean {
  if (entryNow(pid)?.startTicks !== startTicks) return false;
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if (codeOf(error) === 'ESRCH') return false;
    throw error;
  }
}

/** True until it has ended; a zombie has. */
export function lives({ pid, startTicks }: Pick<ProcessEntry, 'pid' | 'startTicks'>): boolean {
  const now = entryNow(pid);
  return now !== null && now.startTicks === startTicks && !now.zombie;
}

/** Without a turn of the event loop, so that nothing happens between looking and acting. */
export function entryNow(pid: number): ProcessEntry | null {
  try {
    return parseStat(readFileSync(statOf(pid), 'utf8'));
  } catch {
    return null;
  }
}

const statOf = (pid: number): string => `/proc/${String(pid)}/stat`;

/** The name may hold anything, also brackets and spaces; the last bracket ends it. */
function parseStat(text: string): ProcessEntry | null {
  const [from, to] = [text.indexOf('('), text.lastIndexOf(')')];
  if (from < 0 || to < from) return null;
  const [state = '', parent, group, session, ...rest] = text.slice(to + 2).split(' ');
  return {
    pid: Number(text.slice(0, from)),
    parent: Number(parent),
    group: Number(group),
    session: Number(session),
    zombie: state === 'Z' || state === 'X',
    name: text.slice(from + 1, to),
    startTicks: Number(rest[15]),
  };
}
