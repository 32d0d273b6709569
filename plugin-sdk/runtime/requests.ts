import type { HubFrame, Manifest, PluginId, SegmentStep } from '../contract/index.ts';
import { CAPABILITY_NAMES, HubError, MAX_OUTSTANDING, reportOf } from '../contract/index.ts';
import { alarms } from './alarms.ts';
import { LogLimit } from './log-limit.ts';
import { checkReports, errorReportOf, isObject } from './reports.ts';
import { Validators } from './validators.ts';

/** Shorter than the hub's own grace, so that code which does not stop is told of here, by its deadline. */
const GRACE_MS = 150;
const MAX_TIMERS = 1024;

/** A request of the hub that plugin code is working on. */
interface Request {
  readonly kind: 'run' | 'listen' | 'serve';
  readonly segment: string;
  /** Node type of a trigger; else ''. */
  readonly type: string;
  readonly deadlineMs: number;
  credit: number;
  ending: 'no' | 'timed-out' | 'cancelled';
  /** Its deadline, then the end of its grace; 0 for none. */
  alarm: number;
}

const PLAIN = { segment: '', type: '', deadlineMs: 0 };

/** Where a host's frames go; each host gives its own. */
export interface RequestPorts {
  /** Sends a frame to the hub. */
  send(text: string): void;
  /** Hands a frame to plugin code. */
  deliver(text: string): void;
  /** Plugin code broke a rule or did not stop: ends the process after what was sent. */
  end(why: string): void;
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * Stands between the hub and plugin code and believes plugin code nothing: every frame it sends must belong to a
 * request in flight, fit its schema and stay within the limits. Keeps deadlines.
 */
export class Requests {
  readonly #ports: RequestPorts;
  readonly #open = new Map<number, Request>();
  readonly #calls = new Map<number, number>();
  readonly #segments = new Map<string, ReadonlyMap<string, SegmentStep>>();
  readonly #logs = new LogLimit();
  #validators: Validators | null = null;
  #plugin = '';
  #timers = 0;

  constructor(ports: RequestPorts) {
    this.#ports = ports;
  }

  loaded(plugin: PluginId, manifest: Manifest): void {
    this.#plugin = plugin;
    this.#validators = new Validators(manifest);
  }

  /** A frame of the hub other than `load`, with its text. */
  fromHub(frame: Exclude<HubFrame, { t: 'load' }>, text: string): void {
    switch (frame.t) {
      case 'define':
        this.#segments.set(frame.segment, new Map(frame.steps.map((step) => [step.node, step])));
        break;
      case 'run':
        this.#begin(frame.id, {
          ...PLAIN,
          segment: frame.segment,
          deadlineMs: frame.deadlineMs,
          kind: 'run',
        });
        break;
      case 'serve':
        this.#begin(frame.id, { ...PLAIN, deadlineMs: frame.deadlineMs, kind: 'serve' });
        break;
      case 'listen':
        this.#begin(frame.id, { ...PLAIN, type: frame.type, kind: 'listen' });
        break;
      case 'credit':
        this.#allow(frame.id, frame.n);
        break;
      case 'cancel':
        if (!this.#cancel(frame.id, 'cancelled')) return;
        break;
      case 'reply':
        if (!this.#calls.delete(frame.id)) return;
        break;
    }
    this.#ports.deliver(text);
  }

  /** A frame of plugin code. */
  fromCode(text: string): void {
    const frame = this.#parse(text);
    if (frame === null) return;
    switch (frame['t']) {
      case 'reply':
        this.#reply(frame, text);
        return;
      case 'call':
        this.#call(frame);
        return;
      case 'event':
        this.#event(frame, text);
        return;
      case 'log':
        this.#log(frame);
        return;
      case 'cancel':
        if (this.#calls.delete(Number(frame['id']))) this.#ports.send(text);
        return;
      case 'timer':
        this.#timer(Number(frame['timer']), Number(frame['ms']));
        return;
      default:
        this.#ports.end('plugin code sent an unknown frame');
    }
  }

  /** Answers everything in flight with one error, since the code that worked on it is gone. */
  fail(error: HubError): void {
    for (const id of this.#open.keys()) this.#refuse(id, error);
  }

  #parse(text: string): Fields | null {
    try {
      // Depth is checked by the hub, which ends a host that sends what it may not.
      const frame: unknown = JSON.parse(text);
      if (isObject(frame)) return frame;
    } catch {
      // Falls through: what is not a frame ends the host.
    }
    this.#ports.end('plugin code sent what is not a frame');
    return null;
  }

  #begin(id: number, facts: Pick<Request, 'kind' | 'segment' | 'type' | 'deadlineMs'>): void {
    const request: Request = { ...facts, credit: 0, ending: 'no', alarm: 0 };
    this.#open.set(id, request);
    if (facts.deadlineMs > 0) request.alarm = alarms.set(facts.deadlineMs, () => this.#late(id));
  }

  #late(id: number): void {
    if (this.#cancel(id, 'timed-out')) this.#ports.deliver(JSON.stringify({ t: 'cancel', id }));
  }

  /** Gives plugin code a moment to stop by itself; false when there is nothing to stop. */
  #cancel(id: number, ending: 'timed-out' | 'cancelled'): boolean {
    const request = this.#open.get(id);
    if (request === undefined || request.ending !== 'no') return false;
    request.ending = ending;
    alarms.clear(request.alarm);
    request.alarm = alarms.set(GRACE_MS, () => {
      this.#refuse(id, endingError(request));
      if (ending === 'timed-out') this.#ports.end('plugin code went on after its deadline');
    });
    return true;
  }

  #close(id: number): void {
    alarms.clear(this.#open.get(id)?.alarm ?? 0);
    this.#open.delete(id);
  }

  #refuse(id: number, error: HubError): void {
    this.#close(id);
    this.#ports.send(JSON.stringify({ t: 'reply', id, ok: false, error: reportOf(error) }));
  }

  #reply(frame: Fields, text: string): void {
    const id = Number(frame['id']);
    const request = this.#open.get(id);
    if (request === undefined) return;
    if (
      request.ending === 'timed-out' ||
      (request.ending === 'cancelled' && request.kind !== 'listen')
    ) {
      this.#refuse(id, endingError(request));
      return;
    }
    this.#close(id);
    if (frame['ok'] !== true) {
      const error = errorReportOf(frame['error']);
      this.#ports.send(JSON.stringify({ t: 'reply', id, ok: false, error }));
      return;
    }
    this.#answer(id, request.kind === 'run' ? this.#checked(id, request, frame, text) : text);
  }

  /** An answer too long for a frame becomes an error of the step; it must not be lost, nor end the host. */
  #answer(id: number, text: string): void {
    try {
      this.#ports.send(text);
    } catch (error) {
      this.#refuse(id, new HubError('STEP_FAILED', { message: reportOf(error).message }));
    }
  }

  #checked(id: number, request: Request, frame: Fields, text: string): string {
    const raw = frame['value'];
    const steps = this.#segments.get(request.segment) ?? new Map<string, SegmentStep>();
    const reports = this.#validators === null ? null : checkReports(raw, steps, this.#validators);
    if (reports === null) {
      this.#ports.end('plugin code sent reports of another segment');
      const detail = 'reports of another segment';
      const error = reportOf(new HubError('HOST_PROTOCOL_ERROR', { plugin: this.#plugin, detail }));
      return JSON.stringify({ t: 'reply', id, ok: false, error });
    }
    const untouched =
      Array.isArray(raw) && reports.length === raw.length && reports.every((r) => r.ok);
    return untouched ? text : JSON.stringify({ t: 'reply', id, ok: true, value: reports });
  }

  #call(frame: Fields): void {
    const { id, within, node, capability, operation, args } = frame;
    if (typeof id !== 'number' || typeof within !== 'number' || this.#calls.has(id)) {
      this.#ports.end('plugin code made a malformed call');
      return;
    }
    const refusal = this.#refusal(within, String(capability), operation);
    if (refusal !== null) {
      const error = reportOf(refusal);
      this.#ports.deliver(JSON.stringify({ t: 'reply', id, ok: false, error }));
      return;
    }
    this.#calls.set(id, within);
    const from = typeof node === 'string' ? { node } : {};
    this.#ports.send(
      JSON.stringify({ t: 'call', id, within, ...from, capability, operation, args: args ?? null }),
    );
  }

  #refusal(within: number, capability: string, operation: unknown): HubError | null {
    if (!this.#open.has(within)) return new HubError('STEP_CANCELLED', { reason: 'it has ended' });
    if (this.#calls.size >= MAX_OUTSTANDING) {
      const limit = `${String(MAX_OUTSTANDING)} calls at once`;
      return new HubError('HOST_OVERLOADED', { plugin: this.#plugin, limit });
    }
    const known = CAPABILITY_NAMES.some((name) => name === capability);
    if (known && typeof operation === 'string' && operation.length <= 64) return null;
    return new HubError('CAPABILITY_UNAVAILABLE', { need: capability.slice(0, 64) });
  }

  #allow(id: number, n: number): void {
    const request = this.#open.get(id);
    if (request !== undefined) request.credit += n;
  }

  #event(frame: Fields, text: string): void {
    const id = Number(frame['id']);
    const request = this.#open.get(id);
    if (request?.kind !== 'listen' || request.ending !== 'no') return;
    if (request.credit < 1) {
      this.#ports.end('plugin code sent more events than it was allowed');
      return;
    }
    const problems = this.#validators?.problems('outputs', request.type, frame['value']) ?? null;
    if (problems !== null) {
      this.#refuse(id, new HubError('STEP_OUTPUT_INVALID', { problems }));
      this.#ports.deliver(JSON.stringify({ t: 'cancel', id }));
      return;
    }
    request.credit -= 1;
    this.#ports.send(text);
  }

  #log(frame: Fields): void {
    const line = this.#logs.pass(frame['level'], frame['text']);
    if (line === null) return;
    const within = Number(frame['within']);
    const at = this.#open.has(within) ? { within } : {};
    this.#ports.send(JSON.stringify({ t: 'log', ...at, ...line }));
  }

  #timer(timer: number, ms: number): void {
    if (this.#timers >= MAX_TIMERS) {
      this.#ports.end('plugin code started too many sleeps');
      return;
    }
    this.#timers += 1;
    setTimeout(
      () => {
        this.#timers -= 1;
        this.#ports.deliver(JSON.stringify({ t: 'reply', timer }));
      },
      Math.min(Math.max(ms, 0) || 0, 2_147_483_647),
    );
  }
}

function endingError(request: Request): HubError {
  return request.ending === 'timed-out'
    ? new HubError('STEP_TIMED_OUT', { timeoutMs: request.deadlineMs })
    : new HubError('STEP_CANCELLED', { reason: 'the hub cancelled it' });
}
