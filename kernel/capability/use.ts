import type { HubError, Json, Need } from '@runtime-hub/plugin-sdk/contract';
import type { Caller, ServiceUse } from '../ports.ts';
import type { Granted } from './grant-book.ts';

/** One use on its way; stopped at most once. Its signal is made for who asks for one: most uses are over before anyone listens. */
export class Use implements ServiceUse {
  readonly caller: Caller;
  readonly permit: (need: Need) => void;
  readonly grants: { readonly grant: Granted; readonly need: Need }[] = [];
  /** Stop it when a grant of its ends; only grants with an end have one. */
  readonly timers: Disposable[] = [];
  #why: HubError | null = null;
  #abort: AbortController | null = null;
  #reject: ((why: HubError) => void) | null = null;

  constructor(caller: Caller, permit: (use: Use, need: Need) => void) {
    this.caller = caller;
    this.permit = (need) => permit(this, need);
  }

  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#why !== null) this.#abort.abort(this.#why);
    return this.#abort.signal;
  }

  stop(why: HubError): void {
    this.#why ??= why;
    this.#abort?.abort(this.#why);
    this.#reject?.(this.#why);
  }

  /** What `provide` gives; rejects with why it was stopped if that comes first. */
  result(provide: () => Promise<Json>): Promise<Json> {
    return new Promise((resolve, reject) => {
      if (this.#why !== null) throw this.#why;
      this.#reject = reject;
      provide().then(resolve, reject);
    });
  }

  end(): void {
    for (const timer of this.timers) timer[Symbol.dispose]();
  }
}
