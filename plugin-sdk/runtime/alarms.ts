const PERIOD_MS = 10;

interface Alarm {
  readonly at: number;
  readonly ring: () => void;
}

/**
 * Alarms that hardly ever ring: looked over together every 10 ms, by which they may be late. In a host without JIT a
 * timer of Node's own for each call would be a tenth of what the call costs.
 */
export class Alarms {
  readonly #set = new Map<number, Alarm>();
  #last = 0;
  #looking: NodeJS.Timeout | null = null;

  /** Calls `ring` after `ms` unless it is cleared before. */
  set(ms: number, ring: () => void): number {
    this.#last += 1;
    this.#set.set(this.#last, { at: performance.now() + ms, ring });
    this.#looking ??= setInterval(() => this.#look(), PERIOD_MS);
    return this.#last;
  }

  clear(alarm: number): void {
    this.#set.delete(alarm);
  }

  #look(): void {
    const now = performance.now();
    for (const [alarm, { at, ring }] of this.#set) {
      if (at > now || !this.#set.delete(alarm)) continue;
      ring();
    }
    if (this.#set.size > 0 || this.#looking === null) return;
    clearInterval(this.#looking);
    this.#looking = null;
  }
}

/** One for the process. */
export const alarms = new Alarms();
