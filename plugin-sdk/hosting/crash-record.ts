const WINDOW_MS = 60_000;
const MOST = 3;
const FIRST_WAIT_MS = 100;
/** Crashes that still count when a person lets a plugin out. */
const REMEMBERED = 4;

/** The recent crashes of one plugin: how long to wait before the next start, and whether it is in quarantine. */
export class CrashRecord {
  #at: readonly number[] = [];
  #own: readonly number[] = [];
  #quarantine: string | null = null;

  /** Crashes within the last minute before the latest. */
  get count(): number {
    return this.#at.length;
  }

  /** Why the plugin may not start; null while it may. */
  get quarantine(): string | null {
    return this.#quarantine;
  }

  /** Notes a crash; true when it is the one that brings the quarantine: the third within 60 s that is the plugin's own. */
  add(now: number, how: string, isOwn = true): boolean {
    const recent = (at: number): boolean => now - at < WINDOW_MS;
    this.#at = [...this.#at.filter(recent), now];
    this.#own = [...this.#own.filter(recent), ...(isOwn ? [now] : [])];
    if (this.#own.length < MOST || this.#quarantine !== null) return false;
    this.#quarantine = `${String(MOST)} crashes within a minute, the last: ${how}`;
    return true;
  }

  /** Lets the plugin out of quarantine. What crashes again at once is still started slowly. */
  release(): void {
    this.#at = this.#at.slice(-REMEMBERED);
    this.#own = [];
    this.#quarantine = null;
  }

  /** Milliseconds to wait before the next start: none after the first crash of a minute, then 100, 200 … after the latest. */
  waitMs(now: number): number {
    const recent = this.#at.filter((at) => now - at < WINDOW_MS);
    const latest = recent.at(-1);
    if (latest === undefined || recent.length < 2) return 0;
    return Math.max(0, latest + FIRST_WAIT_MS * 2 ** (recent.length - 2) - now);
  }
}
