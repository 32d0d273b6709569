import { readFile } from 'node:fs/promises';
import type { Clock } from './ports.ts';

const PERIOD_MS = 100;
const PAGE_BYTES = 4096;

/** Resident memory of a process in bytes; 0 when it is gone. */
export async function residentBytes(pid: number): Promise<number> {
  const text = await readFile(`/proc/${String(pid)}/statm`, 'utf8').catch(() => '');
  return Number(text.split(' ')[1] ?? 0) * PAGE_BYTES;
}

/** Looks at a process's resident memory every 100 ms and calls `onOver` once it is above `limitBytes`; disposing stops it. */
export function watchMemory(
  clock: Clock,
  pid: number,
  limitBytes: number,
  onOver: () => void,
): Disposable {
  let stopped = false;
  let timer = clock.after(PERIOD_MS, look);
  function look(): void {
    void residentBytes(pid).then((bytes) => {
      if (stopped) return;
      if (bytes > limitBytes) onOver();
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
