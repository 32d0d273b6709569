import type { Clock } from '../ports.ts';

/** A token bucket: `perSecond` uses a second, at least one at a time, the second's worth at once after a pause. */
export class Rate {
  readonly perSecond: number;
  readonly #clock: Clock;
  readonly #capacity: number;
  #left: number;
  #at: number;

  constructor(clock: Clock, perSecond: number) {
    this.#clock = clock;
    this.perSecond = perSecond;
    this.#capacity = Math.max(1, perSecond);
    this.#left = this.#capacity;
    this.#at = clock.now();
  }

  /** Takes one use; false when none is left. */
  take(): boolean {
    const now = this.#clock.now();
    const gained = (Math.max(0, now - this.#at) * this.perSecond) / 1000;
    this.#left = Math.min(this.#capacity, this.#left + gained);
    this.#at = now;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
