import type { Clock } from '@runtime-hub/kernel';
import { HubError, reportOf, type ErrorReport } from '@runtime-hub/plugin-sdk/contract';
import type { Registries } from './registries.ts';

const POLL_MS = 60_000;
const UPDATES_MS = 3_600_000;

/** How it stands with following one registry's log. */
export interface Followed {
  readonly origin: string;
  /** When the log was last read to its end, milliseconds since 1970; null before that. */
  readonly readAt: number | null;
  readonly error: ErrorReport | null;
}

export interface LogWatchPorts {
  readonly clock: Clock;
  readonly registries: Registries;
  /** Called now and then, for what needs nobody's haste. */
  readonly seldom: () => Promise<void>;
}

/** Reads the log of each registry every minute, and at once when the registry says that something changed. */
export class LogWatch implements Disposable {
  readonly #ports: LogWatchPorts;
  readonly #followed = new Map<string, Followed>();
  readonly #open = new Map<string, DisposableStack>();
  #timer: Disposable | null = null;
  #seldomAt: number;

  constructor(ports: LogWatchPorts) {
    this.#ports = ports;
    this.#seldomAt = ports.clock.now();
  }

  /** Begins with the registries that there are now; called again when they change. Asks nobody when there are none. */
  follow(): void {
    const clients = this.#ports.registries.all();
    for (const [origin, stack] of this.#open) {
      stack.dispose();
      this.#open.delete(origin);
      if (!clients.some((it) => it.origin === origin)) this.#followed.delete(origin);
    }
    for (const client of clients) {
      const stack = new DisposableStack();
      stack.use(client.listen(() => void this.read(client.origin)));
      this.#open.set(client.origin, stack);
    }
    this.#timer?.[Symbol.dispose]();
    this.#timer = clients.length === 0 ? null : this.#later(0);
  }

  list(): readonly Followed[] {
    return this.#ports.registries
      .list()
      .map(({ origin }) => this.#followed.get(origin) ?? { origin, readAt: null, error: null });
  }

  /** Reads one log now; what goes wrong is kept for `list`, and tried again in a minute. */
  async read(origin: string): Promise<void> {
    const { registries, clock } = this.#ports;
    const known = this.#followed.get(origin);
    try {
      await registries.catchUp(origin);
      this.#followed.set(origin, { origin, readAt: clock.now(), error: null });
    } catch (error) {
      if (!(error instanceof HubError)) throw error;
      this.#followed.set(origin, {
        origin,
        readAt: known?.readAt ?? null,
        error: reportOf(error),
      });
    }
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    for (const stack of this.#open.values()) stack.dispose();
    this.#open.clear();
  }

  #later(ms: number): Disposable {
    const { clock, registries, seldom } = this.#ports;
    return clock.after(ms, () => {
      for (const { origin } of registries.list()) void this.read(origin);
      if (clock.now() - this.#seldomAt >= UPDATES_MS) {
        this.#seldomAt = clock.now();
        void seldom();
      }
      this.#timer = this.#later(POLL_MS);
    });
  }
}
