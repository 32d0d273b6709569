import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** Pids of the jails this process has started that still live: bubblewrap's own, one a jail. */
export function jails(): readonly number[] {
  return childrenOf(process.pid).filter((pid) => nameOf(pid) === 'bwrap');
}

export const lives = (pid: number): boolean => existsSync(`/proc/${String(pid)}`);

function childrenOf(pid: number): readonly number[] {
  const tasks = `/proc/${String(pid)}/task`;
  return readdirSync(tasks).flatMap((task) =>
    textOf(`${tasks}/${task}/children`).split(' ').filter(Boolean).map(Number),
  );
}

const nameOf = (pid: number): string => textOf(`/proc/${String(pid)}/comm`).trim();

/** Empty when the process, or the thread, has gone meanwhile. */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
