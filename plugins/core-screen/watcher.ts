import type { Area, HubError, Region } from '@runtime-hub/plugin-sdk/contract';
import type { Change } from './screen-driver.ts';

interface Waiter {
  readonly wake: () => void;
  readonly fail: (error: unknown) => void;
}

export interface WatcherOptions {
  readonly area: Area;
  /** Finds the area and makes sure that changes from then on are seen. */
  readonly start: () => Promise<Region | null>;
  /** `onIdle` is called once nobody held the watcher for this long. */
  readonly keepMs: number;
  readonly onIdle: () => void;
}

/** Numbers the changes of one area for one caller and wakes who waits for them. */
export class Watcher {
  readonly area: Area;
  /** Resolves when changes from now on are seen. */
  readonly ready: Promise<void>;
  /** Where the area is, physical pixels; null while its window is not there. */
  region: Region | null = null;
  readonly #options: WatcherOptions;
  readonly #waiting = new Set<Waiter>();
  #last = { change: 1, changedAt: Date.now() };
  #holders = 0;
  #idle: ReturnType<typeof setTimeout> | undefined;

  constructor(options: WatcherOptions) {
    this.area = options.area;
    this.#options = options;
    this.ready = options.start().then((region) => {
      this.region = region;
    });
  }

  changed(at: number): void {
    this.#last = { change: this.#last.change + 1, changedAt: at };
    for (const waiter of this.#waiting) waiter.wake();
  }

  fail(error: HubError): void {
    clearTimeout(this.#idle);
    for (const waiter of this.#waiting) waiter.fail(error);
  }

  /** Keeps the watcher from being idle until disposed. */
  hold(): Disposable {
    clearTimeout(this.#idle);
    this.#holders += 1;
    return {
      [Symbol.dispose]: () => {
        this.#holders -= 1;
        if (this.#holders > 0) return;
        this.#idle = setTimeout(this.#options.onIdle, this.#options.keepMs).unref();
      },
    };
  }

  async wait(
    { after, timeoutMs }: { readonly after: number; readonly timeoutMs: number },
    signal: AbortSignal,
  ): Promise<Change> {
    signal.throwIfAborted();
    // A number from before this watcher: changes may have been missed, which counts as one.
    if (after > this.#last.change) this.#last = { change: after + 1, changedAt: Date.now() };
    if (after > 0 && this.#last.change > after) return { ...this.#last, timedOut: false };
    const { promise, resolve, reject } = Promise.withResolvers<Change>();
    const wake = (): void => resolve({ ...this.#last, timedOut: false });
    const waiter = { wake, fail: reject };
    const abort = (): void => reject(signal.reason);
    const late = setTimeout(() => resolve({ ...this.#last, timedOut: true }), timeoutMs);
    this.#waiting.add(waiter);
    signal.addEventListener('abort', abort, { once: true });
    try {
      return await promise;
    } finally {
      clearTimeout(late);
      this.#waiting.delete(waiter);
      signal.removeEventListener('abort', abort);
    }
  }
}
