import {
  encodeFrameText,
  errorOf,
  FrameDecoder,
  FrameError,
  HubError,
  MAX_OUTSTANDING,
  type HostFrame,
  type HubFrame,
  type Json,
} from '../contract/index.ts';
import type { ChannelPorts, Question } from './channel-ports.ts';
import type { HostProcess } from './ports.ts';
import { mayNameBlob, parseHostFrame } from './host-frame.ts';

type Reply = Extract<HostFrame, { t: 'reply' }>;

/** So many frames are taken whatever they cost: the first ones of a fresh hub take longest. */
const FEW = 16;
/** How long frames of one host are taken in one go. */
const TURN_MS = 0.25;
/** The part of the hub's time that a host may take with what it was not asked … */
const SHARE = 0.1;
/** … and how much of it at once. */
const BURST_MS = 2.5;
const MAX_BREATH_MS = 100;

interface Pending {
  readonly question: Question;
  readonly resolve: (value: Json) => void;
  readonly reject: (error: unknown) => void;
  /** Why nobody waits for it any more; its reply still closes it. */
  givenUp: HubError | null;
  /** Deadline first, then the grace after a cancel. */
  timer: Disposable | null;
  sentAt: number;
  onAbort: (() => void) | null;
}

const MAX_QUEUED = 100_000;

/** The hub's end of a host's file descriptor 3: numbered questions with deadlines, at most 256 outstanding, the rest waits in order. */
export class Channel {
  readonly #process: HostProcess;
  readonly #ports: ChannelPorts;
  readonly #decoder = new FrameDecoder();
  readonly #pending = new Map<number, Pending>();
  readonly #queue = new Set<Pending>();
  #lastId = 0;
  #outgoing: Uint8Array[] = [];
  /** Until when its share of the hub's time is used up. */
  #busyUntil = 0;
  /** Frames that wait for their turn. */
  #held: readonly string[] = [];
  #ended: HubError | null = null;

  constructor(process: HostProcess, ports: ChannelPorts) {
    this.#process = process;
    this.#ports = ports;
    process.input.on('error', () => undefined);
    process.output.on('data', (chunk: Uint8Array) => this.#read(chunk));
  }

  /** Questions sent or waiting. */
  get load(): number {
    return this.#pending.size + this.#queue.size;
  }

  /** True when the hub has asked a question of this number, answered or not. */
  hasAsked(id: number): boolean {
    return id <= this.#lastId;
  }

  isOpen(id: number): boolean {
    return this.#pending.get(id)?.givenUp === null;
  }

  /** Asks; rejects with STEP_TIMED_OUT, STEP_CANCELLED (or the signal's own HubError), the host's error, or what `end` was told. */
  ask(question: Question): Promise<Json> {
    if (this.#ended !== null) return Promise.reject(this.#ended);
    if (question.signal?.aborted === true) return Promise.reject(reasonOf(question.signal));
    if (this.#queue.size >= MAX_QUEUED) {
      return Promise.reject(
        new HubError('HOST_OVERLOADED', {
          plugin: this.#ports.plugin(),
          limit: `${String(MAX_QUEUED)} waiting questions`,
        }),
      );
    }
    const { promise, resolve, reject } = Promise.withResolvers<Json>();
    const state = { givenUp: null, timer: null, sentAt: 0, onAbort: null };
    const pending: Pending = { question, resolve, reject, ...state };
    this.#listen(pending);
    if (this.#pending.size < MAX_OUTSTANDING) this.#send(pending);
    else this.#queue.add(pending);
    return promise;
  }

  /** Sends a frame that has no reply. Throws FrameError when it is too long. */
  tell(frame: HubFrame): void {
    if (this.#ended === null) this.#write(frame);
  }

  /** Closes everything open with `error`; nothing is sent or taken after it. */
  end(error: HubError): void {
    if (this.#ended !== null) return;
    this.#unlessBroken(() => this.#takeAnswers());
    this.#ended = error;
    const open = [...this.#pending, ...[...this.#queue].map((one) => [0, one] as const)];
    this.#pending.clear();
    this.#queue.clear();
    for (const [id, pending] of open) this.#settle(id, pending, () => pending.reject(error));
  }

  #listen(pending: Pending): void {
    const { signal } = pending.question;
    if (signal === null) return;
    pending.onAbort = () => this.#giveUp(pending, reasonOf(signal));
    signal.addEventListener('abort', pending.onAbort, { once: true });
  }

  #send(pending: Pending): void {
    const { question } = pending;
    const id = this.#lastId + 1;
    this.#lastId = id;
    this.#pending.set(id, pending);
    pending.sentAt = this.#ports.clock.now();
    const { deadlineMs } = question;
    if (deadlineMs !== null) {
      // Made only when it is late: an error with its stack costs more than all the rest of a question.
      const late = (): HubError => new HubError('STEP_TIMED_OUT', { timeoutMs: deadlineMs });
      pending.timer = this.#ports.clock.after(deadlineMs, () => this.#giveUp(pending, late(), id));
    }
    try {
      question.onSent?.(id);
      this.#write(question.frame(id));
    } catch (error) {
      this.#pending.delete(id);
      const fault = error instanceof FrameError ? tooLarge(error) : error;
      this.#settle(id, pending, () => pending.reject(fault));
    }
  }

  /** First rung of the kill ladder: asks the host to stop; silence after the grace ends the host. */
  #giveUp(pending: Pending, why: HubError, known?: number): void {
    if (pending.givenUp !== null) return;
    pending.givenUp = why;
    if (this.#queue.delete(pending)) {
      this.#settle(0, pending, () => pending.reject(why));
      return;
    }
    const id = known ?? this.#idOf(pending);
    if (id === null) return;
    pending.timer?.[Symbol.dispose]();
    this.#write({ t: 'cancel', id });
    this.#ports.onClosed(id);
    const { clock, graceMs, onBroken } = this.#ports;
    pending.timer = clock.after(graceMs, () =>
      onBroken({ silentMs: Math.round(clock.now() - pending.sentAt) }),
    );
  }

  #idOf(pending: Pending): number | null {
    for (const [id, other] of this.#pending) if (other === pending) return id;
    return null;
  }

  /** Frames of one turn leave in one write. */
  #write(frame: HubFrame): void {
    const text = JSON.stringify(frame);
    if (text.includes('"$blob"')) this.#ports.lend(frame);
    this.#outgoing.push(encodeFrameText(text));
    if (this.#outgoing.length === 1) process.nextTick(() => this.#flush());
  }

  #flush(): void {
    const frames = this.#outgoing;
    this.#outgoing = [];
    this.#process.input.write(frames.length === 1 ? frames[0] : Buffer.concat(frames));
  }

  #read(chunk: Uint8Array): void {
    if (this.#ended !== null) return;
    const start = this.#ports.clock.now();
    this.#unlessBroken(() => this.#takeSome(this.#decoder.push(chunk), start));
  }

  /** Takes frames for a moment, then lets others have their turn: a host that floods the hub must not be all it hears. */
  #takeSome(texts: readonly string[], start: number): void {
    const { clock } = this.#ports;
    const { output } = this.#process;
    let [at, unaskedMs, taken] = [start, 0, 0];
    while (taken < texts.length && (taken < FEW || at - start < TURN_MS)) {
      const isAnswer = this.#take(texts[taken] ?? '');
      const now = clock.now();
      if (!isAnswer) unaskedMs += now - at;
      at = now;
      taken += 1;
    }
    this.#busyUntil = Math.max(this.#busyUntil, start - BURST_MS / SHARE) + unaskedMs / SHARE;
    this.#held = texts.slice(taken);
    if (taken === texts.length) return void (output.isPaused() && output.resume());
    output.pause();
    const rest = (): void => this.#unlessBroken(() => this.#takeSome(this.#held, clock.now()));
    if (this.#busyUntil <= at) setImmediate(rest);
    else clock.after(Math.min(this.#busyUntil - at, MAX_BREATH_MS), rest);
  }

  /** What a host answered before its end was done, although its turn has not come. */
  #takeAnswers(): void {
    const held = this.#held;
    this.#held = [];
    for (const text of held) {
      const frame = parseHostFrame(text);
      if (frame.t === 'reply' && this.#pending.has(frame.id)) this.#close(frame, text);
    }
  }

  #unlessBroken(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.#ports.onBroken({ detail: error.message });
    }
  }

  /** True for the answer to a question of the hub. */
  #take(text: string): boolean {
    if (this.#ended !== null) return false;
    const frame = parseHostFrame(text);
    if (frame.t === 'reply') this.#close(frame, text);
    else this.#ports.onFrame(frame, mayNameBlob(text));
    return frame.t === 'reply';
  }

  #close(frame: Reply, text: string): void {
    const pending = this.#pending.get(frame.id);
    if (pending === undefined) throw new FrameError('a reply to a question nobody asked');
    this.#pending.delete(frame.id);
    this.#settle(frame.id, pending, () => this.#answer(pending, frame, mayNameBlob(text)));
    const next = this.#queue.values().next().value;
    if (next === undefined) return;
    this.#queue.delete(next);
    this.#send(next);
  }

  /** A success that crossed a cancel on its way counts: the work was done. A success after the deadline does not. */
  #answer(pending: Pending, frame: Reply, namesBlob: boolean): void {
    if (!frame.ok) {
      const error = errorOf(frame.error);
      pending.question.onError?.(error);
      return pending.reject(pending.givenUp ?? error);
    }
    if (HubError.is(pending.givenUp, 'STEP_TIMED_OUT')) return pending.reject(pending.givenUp);
    try {
      if (namesBlob) this.#ports.admit(frame.value);
    } catch (error) {
      return pending.reject(error);
    }
    return pending.resolve(frame.value);
  }

  #settle(id: number, pending: Pending, finish: () => void): void {
    pending.timer?.[Symbol.dispose]();
    const { signal } = pending.question;
    if (pending.onAbort !== null) signal?.removeEventListener('abort', pending.onAbort);
    if (id !== 0) this.#ports.onClosed(id);
    finish();
  }
}

function reasonOf(signal: AbortSignal): HubError {
  const reason: unknown = signal.reason;
  if (reason instanceof HubError) return reason;
  const text = reason instanceof Error ? reason.message : String(reason);
  return new HubError('STEP_CANCELLED', { reason: text });
}

const tooLarge = (error: FrameError): HubError =>
  new HubError('STEP_FAILED', { message: `what the step is given is too large: ${error.message}` });
