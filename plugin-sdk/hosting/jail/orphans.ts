import { readdir, readFile } from 'node:fs/promises';
import { ISOLATE_HOST, PROCESS_HOST } from '../../runtime/index.ts';
import { PYTHON_HOST } from './python.ts';

const HOSTS = [ISOLATE_HOST, PROCESS_HOST, PYTHON_HOST];

/**
 * Ends jails whose hub was killed while bubblewrap was still setting them up: their first process waits for its parent
 * for ever, since it dies with it only later. Known by being first in a pid namespace, running one of our hosts as this
 * user, and having no bubblewrap for a parent any more. Returns their pids.
 */
export async function endOrphans(): Promise<readonly number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/u.test(name)).map(Number);
  const found = await Promise.all(pids.map(async (pid) => ((await isOrphan(pid)) ? [pid] : [])));
  const orphans = found.flat();
  for (const pid of orphans) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It is gone already.
    }
  }
  return orphans;
}

async function isOrphan(pid: number): Promise<boolean> {
  const status = await textOf(`/proc/${String(pid)}/status`);
  if (!/^Name:\tbwrap$/mu.test(status) || !/^NSpid:\t\d+\t(?:\d+\t)*1$/mu.test(status))
    return false;
  if (Number(/^Uid:\t(\d+)/mu.exec(status)?.[1]) !== process.getuid?.()) return false;
  const command = await textOf(`/proc/${String(pid)}/cmdline`);
  if (!command.split('\0').some((word) => HOSTS.includes(word))) return false;
  const parent = /^PPid:\t(\d+)/mu.exec(status)?.[1] ?? '0';
  return !/^Name:\tbwrap$/mu.test(await textOf(`/proc/${parent}/status`));
}

/** Empty when the process is gone, or not ours to look at. */
const textOf = (file: string): Promise<string> => readFile(file, 'utf8').catch(() => '');
