/** Programs paint in bursts: a picture taken within one may be half old. */
const QUIET_MS = 1;
/** A screen that never rests (video) is looked at this often all the same. */
const LONGEST_MS = 12;

export interface Settle extends Disposable {
  touch(): void;
}

/** Calls `settled` once no `touch` came for 1 ms, at the latest 12 ms after the first; never twice at once. */
export function createSettle(settled: () => Promise<void>): Settle {
  let timer: ReturnType<typeof setTimeout> | null = null;
  let busy = false;
  let again = false;
  let firstAt = 0;
  let ended = false;

  const run = async (): Promise<void> => {
    timer = null;
    busy = true;
    await settled().catch(() => undefined);
    busy = false;
    if (again) touch();
  };

  const touch = (): void => {
    if (ended) return;
    again = busy;
    if (busy) return;
    const now = performance.now();
    if (timer === null) firstAt = now;
    else clearTimeout(timer);
    const left = Math.max(0, Math.min(QUIET_MS, firstAt + LONGEST_MS - now));
    timer = setTimeout(() => void run(), left);
  };

  return {
    touch,
    [Symbol.dispose]() {
      ended = true;
      if (timer !== null) clearTimeout(timer);
    },
  };
}
