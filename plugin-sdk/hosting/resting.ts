import type { Host } from './host.ts';
import type { Clock } from './ports.ts';

/** Hosts that nobody uses. Each has one timer, set again while it is used in between: not one for each call. */
export class Resting {
  readonly #clock: Clock;
  readonly #idleMs: number;
  readonly #letGo: (host: Host) => void;
  readonly #since = new Map<Host, { at: number; readonly timer: Disposable }>();

  /** Calls `letGo` for a host that has rested for `idleMs`. */
  constructor(clock: Clock, idleMs: number, letGo: (host: Host) => void) {
    this.#clock = clock;
    this.#idleMs = idleMs;
    this.#letGo = letGo;
  }

  add(host: Host): void {
    const at = this.#clock.now();
    const known = this.#since.get(host);
    if (known === undefined) this.#since.set(host, { at, timer: this.#lookLater(host, at) });
    else known.at = at;
  }

  delete(host: Host): void {
    this.#since.get(host)?.timer[Symbol.dispose]();
    this.#since.delete(host);
  }

  /** All hosts that have rested once and live. */
  hosts(): readonly Host[] {
    return [...this.#since.keys()];
  }

  close(): void {
    for (const { timer } of this.#since.values()) timer[Symbol.dispose]();
  }

  #lookLater(host: Host, at: number): Disposable {
    const end = at + this.#idleMs;
    return this.#clock.after(end - this.#clock.now(), () => {
      const used = this.#since.get(host)?.at ?? at;
      this.#since.delete(host);
      if (used === at) return this.#letGo(host);
      this.#since.set(host, { at: used, timer: this.#lookLater(host, used) });
    });
  }
}
