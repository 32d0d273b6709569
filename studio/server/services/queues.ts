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

/** A number of places; who comes when all are taken waits, first come first served. */
export class Line {
  readonly #places: number;
  readonly #waiting = new Set<() => void>();
  #taken = 0;

  constructor(places: number) {
    this.#places = places;
  }

  get isEmpty(): boolean {
    return this.#taken === 0;
  }

  /** Rejects with the signal's reason. */
  async enter(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#taken < this.#places) {
      this.#taken += 1;
      return;
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const abort = (): void => {
      // It may have got its place in this very turn; then this changes nothing any more.
      this.#waiting.delete(resolve);
      reject(signal.reason);
    };
    this.#waiting.add(resolve);
    signal.addEventListener('abort', abort, { once: true });
    await promise.finally(() => signal.removeEventListener('abort', abort));
  }

  /** The place goes to who waits longest. */
  leave(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#taken -= 1;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}

/** So many places for each owner. */
export class Slots {
  readonly #perOwner: number;
  readonly #lines = new Map<string, Line>();

  constructor(perOwner: number) {
    this.#perOwner = perOwner;
  }

  /** A place until it is disposed of. Rejects with the signal's reason. */
  async enter(owner: string, signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted();
    const line = this.#lines.get(owner) ?? new Line(this.#perOwner);
    this.#lines.set(owner, line);
    await line.enter(signal);
    return {
      [Symbol.dispose]: () => {
        line.leave();
        if (line.isEmpty) this.#lines.delete(owner);
      },
    };
  }

  /** Does a piece of work in a place. Rejects with the signal's reason, as long as it waits. */
  async run<T>(owner: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    using _place = await this.enter(owner, signal);
    return await work();
  }
}
