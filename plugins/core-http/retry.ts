import { codeOf, type StepContext } from '@runtime-hub/plugin-sdk';
import type { HttpRequest, HttpResponse, Json } from '@runtime-hub/plugin-sdk/contract';
import type { Retry } from './settings.ts';

type Line = Pick<StepContext, 'call' | 'sleep'>;

/** Where randomness and the time come from. */
export interface Chance {
  random(): number;
  now(): number;
}

/** RFC 9110 section 9.2.2: asking twice does the same as asking once. */
const IDEMPOTENT: readonly HttpRequest['method'][] = ['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS'];
const PASSING: readonly number[] = [429, 502, 503, 504];
/** What the hub says when no answer came, or not now. */
const PASSING_CODES: readonly string[] = [
  'NET_UNREACHABLE',
  'STEP_TIMED_OUT',
  'CAPABILITY_RATE_EXCEEDED',
  'HOST_OVERLOADED',
];

/** Sends the requests of one step, and sends again what failed in passing: at most `times` for all of them together. */
export class Sender {
  readonly #line: Line;
  readonly #chance: Chance;
  readonly #retry: Required<Retry>;
  readonly #always: boolean;
  #left: number;
  #sent = 0;

  constructor(
    line: Line,
    { times = 3, firstWaitMs = 500, longestWaitMs = 30_000 }: Retry,
    { always = false, chance = { random: Math.random, now: Date.now } as Chance } = {},
  ) {
    this.#line = line;
    this.#retry = { times, firstWaitMs, longestWaitMs };
    this.#always = always;
    this.#chance = chance;
    this.#left = times;
  }

  /** Requests sent so far. */
  get sent(): number {
    return this.#sent;
  }

  /** The answer, whatever its status. Rejects with what the hub said when none came. */
  async send(request: HttpRequest): Promise<HttpResponse> {
    const mayRepeat = this.#always || IDEMPOTENT.includes(request.method);
    for (let attempt = 0; ; attempt += 1) {
      const outcome = await this.#try(request);
      const waitMs = mayRepeat ? this.#waitMs(outcome, attempt) : null;
      if (waitMs === null) return answerOf(outcome);
      this.#left -= 1;
      await this.#line.sleep(waitMs);
    }
  }

  async #try(request: HttpRequest): Promise<Outcome> {
    this.#sent += 1;
    try {
      // SAFETY: the broker checks both against the contract; a request is plain JSON.
      const response = await this.#line.call('net.http', 'request', request as unknown as Json);
      return { response: response as unknown as HttpResponse };
    } catch (error) {
      return { error };
    }
  }

  /** Null when there is no use, or no right, in trying again. */
  #waitMs(outcome: Outcome, attempt: number): number | null {
    if (this.#left === 0 || !isPassing(outcome)) return null;
    const { firstWaitMs, longestWaitMs } = this.#retry;
    const asked = 'error' in outcome ? 0 : retryAfterMs(outcome.response, this.#chance.now());
    if (asked > longestWaitMs) return null;
    // Full jitter: many that failed together do not come back together.
    const most = Math.min(longestWaitMs, firstWaitMs * 2 ** attempt);
    return Math.max(asked, Math.round(this.#chance.random() * most));
  }
}

type Outcome = { readonly response: HttpResponse } | { readonly error: unknown };

function answerOf(outcome: Outcome): HttpResponse {
  if ('error' in outcome) throw outcome.error;
  return outcome.response;
}

function isPassing(outcome: Outcome): boolean {
  if (!('error' in outcome)) return PASSING.includes(outcome.response.status);
  return PASSING_CODES.includes(codeOf(outcome.error) ?? '');
}

/** Milliseconds that Retry-After asks for, in seconds or as a date (RFC 9110 section 10.2.3); 0 when it asks for none. */
export function retryAfterMs({ headers }: Pick<HttpResponse, 'headers'>, now: number): number {
  const value = headers['retry-after']?.trim() ?? '';
  if (/^\d{1,9}$/u.test(value)) return Number(value) * 1000;
  const at = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/u.test(value)
    ? Date.parse(value)
    : Number.NaN;
  return Number.isNaN(at) ? 0 : Math.max(0, at - now);
}
