import { TypedEmitter } from 'tiny-typed-emitter';
import type { HubEvent, HubEventType, NumberedEvent } from '@runtime-hub/plugin-sdk/contract';
import type { Clock, EventSink } from './ports.ts';

/** Stands in a subscription where events are missing because its reader was too slow or came too late. */
export interface Dropped {
  readonly dropped: number;
  /** When the reader was told, milliseconds since 1970. */
  readonly at: number;
}

/** What one reader gets, in order; made for one `for await`. Disposing or leaving the loop ends it. */
export interface Subscription extends AsyncIterable<NumberedEvent | Dropped>, Disposable {}

export interface SubscribeOptions {
  /** Events kept for a slow reader; the oldest are dropped beyond it. */
  readonly capacity: number;
  /** Only events of these types; all when left out. */
  readonly types?: readonly HubEventType[];
  /** Begins after this sequence number as far as events are still kept; with what comes next when left out. */
  readonly since?: number;
}

/** Facts of the hub as they happen. */
export interface Bus extends EventSink {
  /** Calls `listener` with every event, in order; one that throws is left out of nothing and disturbs nobody. */
  on(listener: (event: NumberedEvent) => void): Disposable;
  subscribe(options: SubscribeOptions): Subscription;
  /** Events after a sequence number, as far as they are kept. */
  since(sequence: number): readonly NumberedEvent[];
}

interface Signals {
  event: (event: NumberedEvent) => void;
}

const KEPT_EVENTS = 4096;

/** Makes a bus that numbers events 1, 2, 3 … and keeps the last `kept` for late readers. */
export function createBus(ports: { readonly clock: Clock; readonly kept?: number }): Bus {
  const emitter = new TypedEmitter<Signals>();
  emitter.setMaxListeners(0);
  const ring = new Ring(ports.kept ?? KEPT_EVENTS);
  let sequence = 0;
  const listen = (listener: (event: NumberedEvent) => void): Disposable => {
    emitter.on('event', listener);
    return { [Symbol.dispose]: () => void emitter.off('event', listener) };
  };
  const since = (after: number) => [...ring].filter((event) => event.sequence > after);
  return {
    emit(event: HubEvent): void {
      sequence += 1;
      const numbered: NumberedEvent = { ...event, sequence };
      ring.push(numbered);
      emitter.emit('event', numbered);
    },
    on: (listener) => listen(guarded(listener)),
    subscribe(options) {
      const queue = new Queue(options, ports.clock);
      if (options.since !== undefined) queue.catchUp(since(options.since), options.since, sequence);
      return queue.open(listen((event) => queue.push(event)));
    },
    since,
  };
}

/** A listener's own error is its own affair: those behind it must still hear of the event. */
const guarded =
  (listener: (event: NumberedEvent) => void) =>
  (event: NumberedEvent): void => {
    try {
      listener(event);
    } catch {
      // The bus has no one to tell but other listeners.
    }
  };

/** The newest `capacity` events. */
class Ring {
  readonly #slots: (NumberedEvent | undefined)[] = [];
  readonly #capacity: number;
  #head = 0;
  #size = 0;

  constructor(capacity: number) {
    this.#capacity = Math.max(1, Math.trunc(capacity));
  }

  /** True when the oldest had to go. */
  push(event: NumberedEvent): boolean {
    const full = this.#size === this.#capacity;
    this.#slots[(this.#head + this.#size) % this.#capacity] = event;
    if (full) this.#head = (this.#head + 1) % this.#capacity;
    else this.#size += 1;
    return full;
  }

  shift(): NumberedEvent | undefined {
    if (this.#size === 0) return undefined;
    const event = this.#slots[this.#head];
    this.#slots[this.#head] = undefined;
    this.#head = (this.#head + 1) % this.#capacity;
    this.#size -= 1;
    return event;
  }

  *[Symbol.iterator](): Generator<NumberedEvent> {
    for (let at = 0; at < this.#size; at += 1) {
      const event = this.#slots[(this.#head + at) % this.#capacity];
      if (event !== undefined) yield event;
    }
  }
}

type Result = IteratorResult<NumberedEvent | Dropped, undefined>;
const DONE: Result = { done: true, value: undefined };

/** One reader's bounded queue. */
class Queue {
  readonly #clock: Clock;
  readonly #ring: Ring;
  readonly #types: ReadonlySet<HubEventType> | null;
  #waiting: ((result: Result) => void)[] = [];
  #dropped = 0;
  #closed = false;

  constructor(options: SubscribeOptions, clock: Clock) {
    this.#clock = clock;
    this.#ring = new Ring(options.capacity);
    this.#types = options.types === undefined ? null : new Set(options.types);
  }

  catchUp(kept: readonly NumberedEvent[], after: number, latest: number): void {
    this.#dropped = Math.max(0, (kept[0]?.sequence ?? latest + 1) - after - 1);
    for (const event of kept) this.push(event);
  }

  push(event: NumberedEvent): void {
    if (this.#types !== null && !this.#types.has(event.type)) return;
    const reader = this.#waiting.shift();
    if (reader !== undefined) reader({ done: false, value: event });
    else if (this.#ring.push(event)) this.#dropped += 1;
  }

  open(listening: Disposable): Subscription {
    const close = () => {
      listening[Symbol.dispose]();
      this.#closed = true;
      for (const reader of this.#waiting.splice(0)) reader(DONE);
    };
    return {
      [Symbol.dispose]: close,
      [Symbol.asyncIterator]: () => ({
        next: async () => await this.#next(),
        return: async () => {
          close();
          return await Promise.resolve(DONE);
        },
      }),
    };
  }

  async #next(): Promise<Result> {
    if (this.#closed) return DONE;
    if (this.#dropped > 0) {
      const dropped = this.#dropped;
      this.#dropped = 0;
      return { done: false, value: { dropped, at: this.#clock.now() } };
    }
    const event = this.#ring.shift();
    if (event !== undefined) return { done: false, value: event };
    return await new Promise<Result>((resolve) => this.#waiting.push(resolve));
  }
}
