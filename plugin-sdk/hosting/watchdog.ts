import { readFile, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { HubError, type PluginId } from '../contract/index.ts';
import type { Clock, HostProcess } from './ports.ts';

const PERIOD_MS = 100;
const PAGE_BYTES = 4096;
/** Linux counts processor time in hundredths of a second (USER_HZ). */
const TICK_MS = 10;
/** A folder with more names than this is full, whatever their sizes. */
const MAX_NAMES = 4096;

/** What a host may use, and where to look. */
export interface Bounds {
  readonly process: Pick<HostProcess, 'pid' | 'precedence'>;
  readonly memoryBytes: number;
  /** The folder it writes blobs to; null when it has none. */
  readonly folder: string | null;
}

export type Overused = 'memory' | 'folder';

/** What a host may have written for blobs and not handed over. */
const FOLDER_BYTES = 256 * 1024 * 1024;

/** The error of whoever waits for a host that was ended for using too much. */
export function overuse(what: Overused, plugin: PluginId, limitMb: number): HubError {
  if (what === 'memory') return new HubError('HOST_OUT_OF_MEMORY', { plugin, limitMb });
  return new HubError('HOST_OVERLOADED', { plugin, limit: '256 MB of blobs not handed over' });
}

/** Resident memory of a process in bytes; 0 when it is gone. */
export async function residentBytes(pid: number): Promise<number> {
  const text = await readFile(`/proc/${String(pid)}/statm`, 'utf8').catch(() => '');
  return Number(text.split(' ')[1] ?? 0) * PAGE_BYTES;
}

/** Looks at a host every 100 ms, tells its precedence what it used, and calls `onOver` once it uses more than it may; disposing stops it. */
export function watchUse(
  clock: Clock,
  bounds: Bounds,
  onOver: (what: Overused) => void,
): Disposable {
  let stopped = false;
  let timer = clock.after(PERIOD_MS, look);
  let before = { at: clock.now(), cpuMs: 0 };
  async function overUse(): Promise<Overused | null> {
    const { pid, precedence } = bounds.process;
    const { cpuMs, residentBytes } = await useOf(pid);
    const at = clock.now();
    precedence?.look((cpuMs - before.cpuMs) / Math.max(1, at - before.at));
    before = { at, cpuMs };
    if (residentBytes > bounds.memoryBytes) return 'memory';
    return bounds.folder !== null && (await isOver(bounds.folder, FOLDER_BYTES)) ? 'folder' : null;
  }
  function look(): void {
    void overUse().then((what) => {
      if (stopped) return;
      if (what !== null) onOver(what);
      else timer = clock.after(PERIOD_MS, look);
    });
  }
  return {
    [Symbol.dispose]() {
      stopped = true;
      timer[Symbol.dispose]();
    },
  };
}

/** What a process uses now (proc(5), the fields of `stat` behind the name); nothing when it is gone. */
async function useOf(pid: number): Promise<{ cpuMs: number; residentBytes: number }> {
  const text = await readFile(`/proc/${String(pid)}/stat`, 'utf8').catch(() => '');
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const [user = 0, system = 0, pages = 0] = [fields[11], fields[12], fields[21]];
  return { cpuMs: (user + system) * TICK_MS, residentBytes: pages * PAGE_BYTES };
}

/** True when the files of a folder take more bytes, or are more, than they may. */
async function isOver(folder: string, mostBytes: number): Promise<boolean> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  if (names.length > MAX_NAMES) return true;
  let bytes = 0;
  for (const name of names) {
    const found = await stat(path.join(folder, name)).catch(() => null);
    bytes += (found?.blocks ?? 0) * 512;
  }
  return bytes > mostBytes;
}
