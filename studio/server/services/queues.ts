/** Lets work on the same keys go one after the other, in the order it was asked for. */
export class KeyedQueue {
  readonly #last = new Map<string, Promise<unknown>>();

  async run<T>(keys: readonly string[], work: () => Promise<T>): Promise<T> {
    const before = keys.map((key) => this.#last.get(key));
    const done = Promise.allSettled(before.filter((it) => it !== undefined)).then(work);
    for (const key of keys) this.#last.set(key, done);
    try {
      return await done;
    } finally {
      for (const key of keys) if (this.#last.get(key) === done) this.#last.delete(key);
    }
  }
}

interface Line {
  busy: number;
  readonly waiting: Set<() => void>;
}

/** Lets so many pieces of work of one owner go on at once; others wait, first come first served. */
export class Slots {
  readonly #perOwner: number;
  readonly #lines = new Map<string, Line>();

  constructor(perOwner: number) {
    this.#perOwner = perOwner;
  }

  /** Rejects with the signal's reason when it aborts while waiting. */
  async run<T>(owner: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const line = this.#lines.get(owner) ?? { busy: 0, waiting: new Set() };
    this.#lines.set(owner, line);
    if (line.busy < this.#perOwner) line.busy += 1;
    else await turn(line, signal);
    try {
      return await work();
    } finally {
      this.#leave(owner, line);
    }
  }

  /** Hands the place to the next, or gives it back. */
  #leave(owner: string, line: Line): void {
    const [next] = line.waiting;
    if (next !== undefined) {
      line.waiting.delete(next);
      next();
      return;
    }
    line.busy -= 1;
    if (line.busy === 0) this.#lines.delete(owner);
  }
}

async function turn(line: Line, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const abort = (): void => {
    line.waiting.delete(resolve);
    reject(signal.reason);
  };
  line.waiting.add(resolve);
  signal.addEventListener('abort', abort, { once: true });
  try {
    await promise;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
