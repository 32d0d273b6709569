import {
  FrameError,
  HubError,
  MAX_OUTSTANDING,
  reportOf,
  type HostFrame,
  type HubFrame,
  type Json,
  type JsonObject,
} from '@runtime-hub/plugin-sdk/contract';
import { Rate, wait } from '@runtime-hub/plugin-sdk/hosting';
import type {
  BlobAccess,
  CallLimits,
  CallLine,
  CapabilityGate,
  Clock,
  EventSink,
  PluginCalls,
  Work,
} from '../ports.ts';

export interface HostCallsPorts extends CallLine {
  readonly gate: CapabilityGate;
  readonly blobs: BlobAccess;
  readonly events: EventSink;
  readonly clock: Clock;
  readonly limits: CallLimits;
}

/** Who calls too often waits for the refusal, so that calling again at once is no way to keep the hub busy. */
const REFUSAL_MS = 100;
/** … the longer, the more of its calls wait for theirs. */
const REFUSAL_EACH_MS = 4;

type CallFrame = Extract<HostFrame, { t: 'call' }>;

interface About {
  readonly node: string | null;
  readonly namesBlob: boolean;
  readonly signal: AbortSignal;
}

/** What one host's plugin asks of the hub: calls through the gate, events and logs, each within a question of the hub. */
export class HostCalls implements PluginCalls {
  readonly #ports: HostCallsPorts;
  readonly #work = new Map<number, Work>();
  readonly #calls = new Map<number, { readonly within: number; readonly stop: AbortController }>();
  readonly #callBucket: Rate;
  readonly #logBucket: Rate;
  readonly #byteBucket: Rate;
  #dropped = 0;
  #refusing = 0;

  constructor(ports: HostCallsPorts) {
    const { clock, limits } = ports;
    this.#ports = ports;
    this.#callBucket = new Rate(clock, limits.callsPerSecond);
    this.#logBucket = new Rate(clock, limits.logsPerSecond);
    this.#byteBucket = new Rate(clock, limits.logBytesPerSecond);
  }

  open(id: number, work: Work): void {
    this.#work.set(id, work);
  }

  /** Ends a question: calls still under way within it are aborted. */
  close(id: number): void {
    if (!this.#work.delete(id)) return;
    for (const call of this.#calls.values()) {
      if (call.within === id) call.stop.abort(over());
    }
  }

  closeAll(): void {
    for (const id of this.#work.keys()) this.close(id);
  }

  cancel(id: number): void {
    this.#calls.get(id)?.stop.abort(over());
  }

  event(id: number, value: JsonObject, namesBlob: boolean): void {
    const work = this.#work.get(id);
    if (work === undefined && this.#ports.hasAsked(id)) return;
    if (work === undefined || work.onEvent === null) throw new FrameError('an event nobody awaits');
    if (namesBlob) this.#checkBlobs(value);
    work.onEvent(value);
  }

  /** Throws FrameError when the call belongs to nothing the hub asked for. */
  call(frame: CallFrame, namesBlob: boolean): void {
    if (this.#calls.has(frame.id)) throw new FrameError('two calls of one number');
    if (this.#calls.size >= MAX_OUTSTANDING) throw new FrameError('too many calls outstanding');
    if (!this.#ports.hasAsked(frame.within)) throw new FrameError('a call within nothing');
    const work = this.#work.get(frame.within);
    const node = frame.node ?? work?.nodes[0] ?? null;
    if (work !== undefined && frame.node !== undefined && !work.nodes.includes(frame.node)) {
      throw new FrameError('a call of a node that is not running');
    }
    const stop = new AbortController();
    this.#calls.set(frame.id, { within: frame.within, stop });
    void this.#answer(frame, work, { node, namesBlob, signal: stop.signal });
  }

  log(level: string, text: string, within: number | null): void {
    const { events, clock, plugin } = this.#ports;
    const size = Buffer.byteLength(text);
    if (!this.#logBucket.take() || !this.#byteBucket.take(size)) {
      this.#dropped += 1;
      return;
    }
    const run = within === null ? null : (this.#work.get(within)?.run ?? null);
    const said = { type: 'plugin.log', at: clock.now(), plugin: plugin(), level } as const;
    if (this.#dropped > 0) {
      events.emit({ ...said, level: 'warn', text: `${String(this.#dropped)} log lines dropped` });
      this.#dropped = 0;
    }
    events.emit({ ...said, text: printable(text), ...(run === null ? {} : { run }) });
  }

  async #answer(frame: CallFrame, work: Work | undefined, about: About): Promise<void> {
    const { id } = frame;
    try {
      this.#reply({ t: 'reply', id, ok: true, value: await this.#decide(frame, work, about) });
    } catch (error) {
      this.#reply({ t: 'reply', id, ok: false, error: reportOf(error) });
    } finally {
      this.#calls.delete(id);
    }
  }

  async #decide(frame: CallFrame, work: Work | undefined, about: About): Promise<Json> {
    const { clock, host, gate, limits, plugin, version } = this.#ports;
    if (work === undefined) throw over();
    if (!this.#callBucket.take()) {
      this.#refusing += 1;
      await wait(clock, REFUSAL_MS + this.#refusing * REFUSAL_EACH_MS);
      this.#refusing -= 1;
      const limit = `${String(limits.callsPerSecond)} calls a second`;
      throw new HubError('HOST_OVERLOADED', { plugin: plugin(), limit });
    }
    if (about.namesBlob) this.#checkBlobs(frame.args);
    const { run, workspace, workflow } = work;
    const from = { plugin: plugin(), version: version(), host };
    const caller = { ...from, run, workspace, workflow, node: about.node };
    const { capability, operation, args, id: call } = frame;
    return await gate.call(caller, { capability, operation, args, call }, about.signal);
  }

  /** A plugin may only pass on what it may read. */
  #checkBlobs(value: Json): void {
    const { blobs, host } = this.#ports;
    blobs.share(value, host, host);
  }

  #reply(frame: Extract<HubFrame, { t: 'reply' }>): void {
    try {
      this.#ports.reply(frame);
    } catch (error) {
      this.#ports.reply({ t: 'reply', id: frame.id, ok: false, error: reportOf(error) });
    }
  }
}

const over = (): HubError => new HubError('STEP_CANCELLED', { reason: 'the step is over' });

/** Without control characters, which could forge lines or drive a terminal. */
const printable = (text: string): string =>
  text.slice(0, 8192).replaceAll(/[^\P{Cc}\t\n]/gu, '\u{FFFD}');
