import type { CapabilityName, Json, JsonObject } from '../contract/index.ts';
import type { LogLimit } from './log-limit.ts';

/** What plugin code may know of its surroundings; each host gives its own. */
export interface CodePorts {
  /** Sends one frame (JSON text) towards the hub. */
  send(text: string): void;
  /** Calls `fn` once after `ms`. */
  after(ms: number, fn: () => void): void;
  abortController(): Pick<AbortController, 'abort' | 'signal'>;
  blobs(call: Call): unknown;
}

export type Call = (capability: CapabilityName, operation: string, args: Json) => Promise<Json>;

interface Waiting {
  readonly scope: Scope;
  readonly resolve: (value: Json) => void;
  readonly reject: (error: Error) => void;
}

/** The calls plugin code has outstanding at the hub, by id. */
export class Calls {
  readonly #send: (text: string) => void;
  readonly #waiting = new Map<number, Waiting>();
  #next = 1;

  constructor(send: (text: string) => void) {
    this.#send = send;
  }

  open(scope: Scope, node: string | undefined, use: JsonObject): Promise<Json> {
    const id = this.#next++;
    const text = JSON.stringify({ t: 'call', id, within: scope.id, node, ...use });
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { scope, resolve, reject });
      this.#send(text);
    });
  }

  /** Takes the hub's reply; one for a call that is no longer waited for is dropped. */
  settle(
    id: number,
    reply: { readonly ok: boolean; readonly value?: Json; readonly error?: Json },
  ) {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    if (reply.ok) waiting.resolve(reply.value ?? null);
    else waiting.reject(hubErrorOf(reply.error));
  }

  /** Rejects every call of a scope and tells the hub that nobody waits for it. */
  drop(scope: Scope, error: Error): void {
    for (const [id, waiting] of this.#waiting) {
      if (waiting.scope !== scope) continue;
      this.#waiting.delete(id);
      this.#send(JSON.stringify({ t: 'cancel', id }));
      waiting.reject(error);
    }
  }
}

/** One request of the hub as plugin code sees it: its signal, its calls, its sleeps. */
export class Scope {
  readonly id: number;
  readonly #ports: CodePorts;
  readonly #calls: Calls;
  readonly #logs: LogLimit;
  readonly #waiters = new Set<(error: Error) => void>();
  #controller: Pick<AbortController, 'abort' | 'signal'> | null = null;
  #error: Error | null = null;
  #used = false;

  constructor(id: number, ports: CodePorts, calls: Calls, logs: LogLimit) {
    this.id = id;
    this.#logs = logs;
    this.#ports = ports;
    this.#calls = calls;
  }

  get aborted(): boolean {
    return this.#error !== null;
  }

  get signal(): AbortSignal {
    this.#controller ??= this.#ports.abortController();
    if (this.#error !== null) this.#controller.abort(this.#error);
    return this.#controller.signal;
  }

  /** Ends the request: whatever it still waits for is dropped. Costs nothing when it never used its context. */
  close(): void {
    if (this.#used) this.abort('it has ended');
  }

  abort(reason: string): void {
    if (this.#error !== null) return;
    this.#error = coded('STEP_CANCELLED', `The step was cancelled: ${reason}`, { reason });
    this.#controller?.abort(this.#error);
    this.#calls.drop(this, this.#error);
    for (const wake of this.#waiters) wake(this.#error);
    this.#waiters.clear();
  }

  /** Calls `fn` when the request ends or is cancelled; at once when it already is. */
  onAbort(fn: (error: Error) => void): void {
    if (this.#error === null) this.#waiters.add(fn);
    else fn(this.#error);
  }

  /** The part of every context that is the same for steps, triggers and operations. */
  common(node: string | undefined) {
    this.#used = true;
    const call: Call = (capability, operation, args) =>
      this.#error === null
        ? this.#calls.open(this, node, { capability, operation, args: args ?? null })
        : Promise.reject(this.#error);
    const log = (level: string) => (text: string) => {
      if (!this.#logs.allows(String(text).length)) return;
      this.#ports.send(
        JSON.stringify({ t: 'log', within: this.id, level, text: String(text).slice(0, 8192) }),
      );
    };
    const signal = () => this.signal;
    return {
      get signal() {
        return signal();
      },
      log: { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') },
      call,
      state: {
        get: (key: string) => call('state', 'get', { key }),
        set: async (key: string, value: Json) => {
          await call('state', 'set', { key, value });
        },
        replace: (key: string, expected: Json, value: Json) =>
          call('state', 'replace', { key, expected, value }),
      },
      blobs: this.#ports.blobs(call),
      sleep: (ms: number) => this.#sleep(ms),
    };
  }

  #sleep(ms: number): Promise<void> {
    if (this.#error !== null) return Promise.reject(this.#error);
    return new Promise((resolve, reject) => {
      this.#waiters.add(reject);
      this.#ports.after(Number(ms), () => {
        this.#waiters.delete(reject);
        resolve();
      });
    });
  }
}

/** An error with a code of the contract, made without its table so that it is small enough for every isolate. */
export function coded(code: string, message: string, data: Json): Error {
  return Object.assign(new Error(message), { code, data });
}

function hubErrorOf(report: Json | undefined): Error {
  // SAFETY: the hub's side of the channel is trusted to send an ErrorReport.
  const { code, message, data } = report as { code: string; message: string; data: Json };
  return coded(code, message, data);
}

/** What was thrown as `{code, message, data}`; reading it may run plugin code, so it stays inside the entry's time limit. */
export function thrown(error: unknown): JsonObject {
  try {
    // SAFETY: property reads on anything but null and undefined are defined; those throw into the catch.
    const { code, message, data } = error as { code?: unknown; message?: unknown; data?: unknown };
    const text = String(message === undefined ? error : message).slice(0, 4000);
    if (typeof code !== 'string') return { code: 'STEP_FAILED', message: text, data: null };
    const json = JSON.stringify(data ?? null).slice(0, 65_536);
    return { code: code.slice(0, 64), message: text, data: JSON.parse(json) as Json };
  } catch {
    return { code: 'STEP_FAILED', message: 'threw something that cannot be read', data: null };
  }
}
