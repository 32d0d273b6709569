import type { StepContext } from '@runtime-hub/plugin-sdk';

/** A tenth of what one entry into the isolate may take: that is measured by the clock, also while others have the CPU. */
const SLICE_MS = 20;
const QUIET_MS = 200;

type Breath = Pick<StepContext, 'signal' | 'sleep'>;

/** Gives a promise to await when the turn is over; null while it is not. */
export type Pause = () => Promise<void> | null;

/**
 * Lets long work leave the isolate every so often, since an entry that takes too long ends it. Steps that work at the
 * same time take turns: one alone in each entry.
 */
export class Turns {
  readonly #now: () => number;
  readonly #queue: (() => void)[] = [];
  #taken = false;
  #openedAt = Number.NEGATIVE_INFINITY;
  #usedAt = Number.NEGATIVE_INFINITY;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Runs `work`, which awaits what `pause` gives between two pieces. Rejects when the step is cancelled. */
  async take<T>(context: Breath, work: (pause: Pause) => Promise<T>): Promise<T> {
    let held = true;
    const again = async (): Promise<void> => {
      held = false;
      this.#leave();
      await this.#enter(context);
      held = true;
    };
    await this.#enter(context);
    try {
      return await work(() => (this.#isOver() ? again() : null));
    } finally {
      if (held) this.#leave();
    }
  }

  /** All that `source` gives, with a pause where it takes long. */
  async collect<T>(context: Breath, source: Iterable<T>): Promise<T[]> {
    return await this.take(context, async (pause) => {
      const found: T[] = [];
      for (const item of source) {
        found.push(item);
        const rest = pause();
        if (rest !== null) await rest;
      }
      return found;
    });
  }

  #isOver(): boolean {
    return this.#now() - this.#openedAt >= SLICE_MS;
  }

  async #enter(context: Breath): Promise<void> {
    if (this.#taken) await this.#wait(context.signal);
    this.#taken = true;
    if (this.#now() - this.#usedAt > QUIET_MS) this.#openedAt = this.#now();
    if (!this.#isOver()) return;
    try {
      await context.sleep(0);
    } catch (error) {
      this.#leave();
      throw error;
    }
    this.#openedAt = this.#now();
  }

  #leave(): void {
    this.#usedAt = this.#now();
    const next = this.#queue.shift();
    if (next === undefined) this.#taken = false;
    else next();
  }

  async #wait(signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const cancel = (): void => {
      const at = this.#queue.indexOf(resolve);
      if (at !== -1) this.#queue.splice(at, 1);
      reject(signal.reason);
    };
    if (signal.aborted) throw signal.reason;
    this.#queue.push(resolve);
    signal.addEventListener('abort', cancel);
    await promise;
    signal.removeEventListener('abort', cancel);
  }
}

/** One for the isolate: its steps share one thread. */
export const turns = new Turns();
