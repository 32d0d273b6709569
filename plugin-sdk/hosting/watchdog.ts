import { readFile, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { HubError, type PluginId } from '../contract/index.ts';
import type { Clock } from './ports.ts';

const PERIOD_MS = 100;
const PAGE_BYTES = 4096;
/** A folder with more names than this is full, whatever their sizes. */
const MAX_NAMES = 4096;

/** What a host may use, and where to look. */
export interface Bounds {
  readonly pid: number;
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

/** Looks at a host every 100 ms and calls `onOver` once it uses more than it may; disposing stops it. */
export function watchUse(
  clock: Clock,
  bounds: Bounds,
  onOver: (what: Overused) => void,
): Disposable {
  let stopped = false;
  let timer = clock.after(PERIOD_MS, look);
  function look(): void {
    void overUse(bounds).then((what) => {
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

async function overUse({ pid, memoryBytes, folder }: Bounds): Promise<Overused | null> {
  if ((await residentBytes(pid)) > memoryBytes) return 'memory';
  if (folder !== null && (await isOver(folder, FOLDER_BYTES))) return 'folder';
  return null;
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
