import type { Clock } from './ports.ts';

/** A token bucket: `perSecond` uses a second, at least one at a time, a second's worth at once after a pause. */
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

  /** Takes so many uses when there are as many; false and nothing taken otherwise. */
  take(uses = 1): boolean {
    const now = this.#clock.now();
    const gained = (Math.max(0, now - this.#at) * this.perSecond) / 1000;
    this.#left = Math.min(this.#capacity, this.#left + gained);
    this.#at = now;
    if (this.#left < uses) return false;
    this.#left -= uses;
    return true;
  }
}
