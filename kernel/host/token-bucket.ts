import type { Clock } from '../ports.ts';

/** Allows `perSecond` units a second, and as many at once after a quiet second. */
export class TokenBucket {
  readonly #clock: Clock;
  readonly #perSecond: number;
  #left: number;
  #at: number;

  constructor(clock: Clock, perSecond: number) {
    this.#clock = clock;
    this.#perSecond = perSecond;
    this.#left = perSecond;
    this.#at = clock.now();
  }

  /** Takes `units` when there are as many; false and nothing taken otherwise. */
  take(units: number): boolean {
    const now = this.#clock.now();
    const gained = (Math.max(0, now - this.#at) * this.#perSecond) / 1000;
    this.#left = Math.min(this.#perSecond, this.#left + gained);
    this.#at = now;
    if (this.#left < units) return false;
    this.#left -= units;
    return true;
  }
}
