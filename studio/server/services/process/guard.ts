import { readdir, readFile } from 'node:fs/promises';
import { entryNow, signalSame } from './process-table.ts';

/** Descriptor that is open as long as the hub lives. */
export const LIFE_FD = 4;
/** What the guard is called in messages. */
export const GUARD = 'runtime-hub-guard';

/**
 * Starts the program, and beside it what ends everything in the pid namespace once the hub is gone. bubblewrap does so
 * itself, but not when the hub dies in the few milliseconds before it has asked to be told. `$$` is 2 in a fresh namespace
 * and nowhere else, where the signal would reach every process of the user.
 */
const SCRIPT = `[ "$$" = 2 ] || exit 126
( ( read -r _ <&${String(LIFE_FD)}; kill -KILL -1 ) </dev/null >/dev/null 2>&1 & )
exec "$@" ${String(LIFE_FD)}<&-`;

/** The arguments of a shell that runs a program guarded. */
export const guarded = (file: string, args: readonly string[]): readonly string[] => [
  ...['-c', SCRIPT, GUARD, file],
  ...args,
];

/** True while a process is still on its way to the program: everything before it has the guard among its arguments. */
export async function isOnItsWay(pid: number): Promise<boolean> {
  return (await textOf(pid, 'cmdline')).includes(`\0${GUARD}\0`);
}

/**
 * Ends what a hub left that was killed while bubblewrap was setting up a program: its first process waits for a parent
 * that is gone. Returns their pids.
 */
export async function endLostPrograms(): Promise<readonly number[]> {
  const names = (await readdir('/proc')).filter((name) => /^\d+$/u.test(name));
  const checked = names.map(async (name) => ((await isLost(Number(name))) ? [Number(name)] : []));
  const lost = (await Promise.all(checked)).flat();
  for (const pid of lost) {
    const entry = entryNow(pid);
    if (entry !== null) signalSame(entry, 'SIGKILL');
  }
  return lost;
}

/** First in a pid namespace, of this user, on its way to a program, without a bubblewrap for a parent. */
async function isLost(pid: number): Promise<boolean> {
  const status = await textOf(pid, 'status');
  if (!/^Name:\tbwrap$/mu.test(status) || !/^NSpid:\t\d+\t(?:\d+\t)*1$/mu.test(status))
    return false;
  if (Number(/^Uid:\t(\d+)/mu.exec(status)?.[1]) !== process.getuid?.()) return false;
  if (!(await isOnItsWay(pid))) return false;
  const parent = Number(/^PPid:\t(\d+)/mu.exec(status)?.[1] ?? 0);
  return !/^Name:\tbwrap$/mu.test(await textOf(parent, 'status'));
}

/** Empty when the process is gone, or not ours to look at. */
const textOf = (pid: number, file: string): Promise<string> =>
  readFile(`/proc/${String(pid)}/${file}`, 'utf8').catch(() => '');
