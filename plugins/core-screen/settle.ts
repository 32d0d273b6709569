/** Programs paint in bursts, and a picture taken within one may be half old: so many rounds in a row must bring nothing new. */
const QUIET_ROUNDS = 2;
/** A screen that never rests (video) is looked at this often all the same. */
const LONGEST_MS = 12;

export interface SettlePorts {
  /** Resolves when everything the screen has done so far has been told by `touch`. */
  readonly caughtUp: () => Promise<void>;
  readonly settled: () => Promise<void>;
}

export interface Settle extends Disposable {
  touch(): void;
}

/** Calls `settled` once two rounds of catching up brought no `touch`, at the latest 12 ms after the first; never twice at once. */
export function createSettle({ caughtUp, settled }: SettlePorts): Settle {
  let touches = 0;
  let running = false;
  let ended = false;

  const comeToRest = async (): Promise<void> => {
    const until = performance.now() + LONGEST_MS;
    for (let quiet = 0; quiet < QUIET_ROUNDS && performance.now() < until;) {
      const before = touches;
      await caughtUp();
      quiet = touches === before ? quiet + 1 : 0;
    }
  };

  const run = async (): Promise<void> => {
    running = true;
    try {
      for (let done = -1; done !== touches && !ended;) {
        await comeToRest();
        done = touches;
        await settled();
      }
    } finally {
      running = false;
    }
  };

  return {
    touch() {
      touches += 1;
      // A display that is gone is told to whoever waits for a change.
      if (!running && !ended) void run().catch(() => undefined);
    },
    [Symbol.dispose]() {
      ended = true;
    },
  };
}
