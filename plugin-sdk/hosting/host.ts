import {
  HubError,
  pluginId,
  type HubFrame,
  type Json,
  type JsonObject,
  type PluginId,
  type Runtime,
  type StepReport,
} from '../contract/index.ts';
import type {
  HostPorts,
  HostProcess,
  HostSettings,
  InstalledPlugin,
  LaunchSpec,
  ListenRequest,
  PluginCalls,
  SegmentRequest,
  ServeRequest,
  Work,
} from './ports.ts';
import { residentLimit } from './jail/bubblewrap.ts';
import type { Incoming, Question } from './channel-ports.ts';
import { Channel } from './channel.ts';
import { listenTo } from './listening.ts';
import { sendPlugin } from './load-plugin.ts';
import { SegmentNames } from './segment-names.ts';
import { StepReports } from './step-reports.ts';
import { LastWords } from './last-words.ts';
import { overuse, watchUse } from './watchdog.ts';

const NOBODY = pluginId('hub/spare');

interface Own {
  readonly id: string;
  readonly process: HostProcess;
  readonly runtime: Runtime;
  readonly plugin: InstalledPlugin | null;
  readonly blobs: LaunchSpec['blobs'];
}

/** One host process from its jail's start to its end. Everything open when it dies rejects with why it died. */
export class Host {
  readonly id: string;
  readonly runtime: Runtime;
  /** Resolves with why it is gone, once nothing of it is left. */
  readonly ended: Promise<HubError>;
  readonly #ports: HostPorts;
  readonly #settings: HostSettings;
  readonly #process: HostProcess;
  readonly #channel: Channel;
  readonly #calls: PluginCalls;
  readonly #hello = Promise.withResolvers<null>();
  readonly #segments = new SegmentNames((frame) => this.#channel.tell(frame));
  #plugin: InstalledPlugin | null = null;
  #why: HubError | null = null;
  readonly #said = new LastWords();
  #reports: StepReports | null = null;
  #count = 0;

  /** Starts a host and waits for its hello. `plugin` is null for a spare, which only the isolate runtime can be. */
  static async start(
    ports: HostPorts,
    settings: HostSettings,
    what: { readonly runtime: Runtime; readonly plugin: InstalledPlugin | null },
  ): Promise<Host> {
    const id = ports.ids.next();
    const folders = ports.blobs.open(id);
    try {
      const blobs = what.runtime === 'isolate' ? null : folders;
      const spec = { host: id, ...what, blobs, limits: settings.limits };
      const process = await ports.launcher.launch(spec);
      const host = new Host(ports, settings, { id, process, blobs, ...what });
      await host.#within(host.#hello.promise);
      return host;
    } catch (error) {
      ports.blobs.close(id);
      throw error;
    }
  }

  constructor(ports: HostPorts, settings: HostSettings, own: Own) {
    this.#ports = ports;
    this.#settings = settings;
    this.id = own.id;
    this.runtime = own.runtime;
    this.#plugin = own.plugin;
    this.#process = own.process;
    this.#calls = this.#ports.calls({
      host: this.id,
      plugin: () => this.plugin,
      version: () => this.#plugin?.manifest.version,
      reply: (frame) => this.#channel.tell(frame),
      hasAsked: (id) => this.#channel.hasAsked(id),
    });
    this.#channel = this.#openChannel();
    own.process.logs.on('data', (chunk: Buffer) => this.#hear(chunk.toString('utf8')));
    this.#hello.promise.catch(() => undefined);
    this.ended = this.#follow(own.blobs?.outFolder ?? null);
  }

  get pid(): number {
    return this.#process.pid;
  }

  get plugin(): PluginId {
    return this.#plugin?.manifest.id ?? NOBODY;
  }

  get digest(): string | null {
    return this.#plugin?.digest ?? null;
  }

  get load(): number {
    return this.#channel.load;
  }

  get calls(): number {
    return this.#count;
  }

  get dead(): boolean {
    return this.#why !== null;
  }

  /** Gives the host its plugin. Throws HOST_LOAD_FAILED when it fails or describes itself otherwise than its signed manifest. */
  async loadPlugin(plugin: InstalledPlugin): Promise<void> {
    this.#plugin = plugin;
    this.#process.precedence?.begin();
    this.#reports = new StepReports(plugin.manifest);
    try {
      await sendPlugin(this.#channel, plugin, this.#settings);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const data = { plugin: this.plugin, message };
      const why = this.#why ?? new HubError('HOST_LOAD_FAILED', data, { cause: error });
      this.#kill(why);
      throw why;
    }
  }

  /** Runs a segment; its steps are sent once per host. */
  async run(request: SegmentRequest, signal: AbortSignal): Promise<readonly StepReport[]> {
    const segment = this.#segments.nameOf(request.steps);
    const { run, workspace, workflow, values, deadlineMs } = request;
    const nodes = request.steps.map((step) => step.node);
    const work = { run, workspace, workflow, nodes, onEvent: null };
    const frame = (id: number) =>
      ({ t: 'run', id, segment, run, workflow, values, deadlineMs }) as const;
    const onError = (error: HubError): void => this.#recycle(error);
    const reports = await this.#ask(work, frame, { deadlineMs, signal, onError });
    const believed = this.#reports?.believe(reports, request.steps) ?? null;
    if (believed === null) throw this.#broken('a run was answered with something else');
    return believed;
  }

  /** Keeps a trigger node going; one event at a time, the next is allowed when `onEvent` has resolved. */
  async listen(
    request: ListenRequest,
    onEvent: (outputs: JsonObject) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    const about = { ...request, run: null, nodes: [request.node] };
    await listenTo(request, onEvent, signal, {
      ask: (frame, onEventFrame, how) =>
        this.#ask({ ...about, onEvent: onEventFrame }, frame, { deadlineMs: null, ...how }),
      allow: (id) => {
        if (this.#channel.isOpen(id)) this.#channel.tell({ t: 'credit', id, n: 1 });
      },
      isDead: () => this.dead,
    });
  }

  /** Has a providing plugin perform an operation. */
  async serve(request: ServeRequest, signal: AbortSignal): Promise<Json> {
    const { capability, operation, args, caller, host, call, run = null, workspace } = request;
    const answers = host === this.id && call !== undefined ? { answers: call } : {};
    const deadlineMs = this.#settings.serveMs;
    const work = { run, workspace, workflow: null, nodes: [], onEvent: null };
    const frame = (id: number) =>
      ({ t: 'serve', id, capability, operation, args, caller, deadlineMs, ...answers }) as const;
    return await this.#ask(work, frame, { deadlineMs, signal });
  }

  /** What is open rejects with `why`, a text as STEP_CANCELLED. */
  async close(why: string | HubError): Promise<void> {
    this.#kill(typeof why === 'string' ? new HubError('STEP_CANCELLED', { reason: why }) : why);
    await this.ended;
  }

  #openChannel(): Channel {
    const { blobs, clock } = this.#ports;
    // SAFETY: frames are plain JSON.
    const lend = (frame: HubFrame) => blobs.share(frame as unknown as Json, null, this.id);
    return new Channel(this.#process, {
      clock,
      lend,
      graceMs: this.#settings.graceMs,
      plugin: () => this.plugin,
      admit: (value) => blobs.share(value, this.id, this.id),
      onFrame: (frame, namesBlob) => this.#take(frame, namesBlob),
      onClosed: (id) => this.#calls.close(id),
      onBroken: (how) => {
        if ('detail' in how) this.#broken(how.detail);
        else this.#kill(new HubError('HOST_UNRESPONSIVE', { plugin: this.plugin, ...how }));
      },
    });
  }

  #take(frame: Incoming, namesBlob: boolean): void {
    switch (frame.t) {
      case 'hello':
        return this.#hello.resolve(null);
      case 'call':
        this.#count += 1;
        return this.#calls.call(frame, namesBlob);
      case 'cancel':
        return this.#calls.cancel(frame.id);
      case 'event':
        return this.#calls.event(frame.id, frame.value, namesBlob);
      case 'log':
        return this.#calls.log(frame.level, frame.text, frame.within ?? null);
    }
  }

  #hear(text: string): void {
    this.#said.add(text);
    this.#calls.log('warn', text.trimEnd(), null);
  }

  #ask(work: Work, frame: (id: number) => HubFrame, how: Omit<Question, 'frame'>): Promise<Json> {
    return this.#channel.ask({
      frame,
      ...how,
      onSent: (id) => {
        this.#calls.open(id, work);
        how.onSent?.(id);
      },
    });
  }

  async #within<T>(wanted: Promise<T>): Promise<T> {
    const { startMs: silentMs } = this.#settings;
    using _timer = this.#ports.clock.after(silentMs, () =>
      this.#kill(new HubError('HOST_UNRESPONSIVE', { plugin: this.plugin, silentMs })),
    );
    return await wanted;
  }

  /** An isolate, or an interpreter, that hit a limit is gone, and its host on the way out: nothing more is sent there. */
  #recycle(error: HubError): void {
    const { entryMs } = this.#settings.limits;
    const isolate = this.runtime === 'isolate';
    const slow = HubError.is(error, 'STEP_TIMED_OUT') && error.data.timeoutMs === entryMs;
    if (isolate && slow) this.#kill(error);
    const limited = isolate || this.runtime === 'python';
    if (limited && HubError.is(error, 'HOST_OUT_OF_MEMORY')) this.#kill(error);
  }

  #broken(detail: string): HubError {
    const error = new HubError('HOST_PROTOCOL_ERROR', { plugin: this.plugin, detail });
    this.#kill(error);
    return error;
  }

  #kill(why: HubError): void {
    this.#why ??= why;
    this.#process.kill();
    this.#close(this.#why);
  }

  #close(why: HubError): void {
    this.#channel.end(why);
    this.#calls.closeAll();
    this.#hello.reject(why);
  }

  /** Watches what it uses for as long as the host lives, then closes what it left open. */
  async #follow(folder: string | null): Promise<HubError> {
    const { clock, blobs } = this.#ports;
    const { memoryMb: limitMb } = this.#settings.limits;
    const memoryBytes = residentLimit(this.runtime, limitMb);
    const bounds = { process: this.#process, memoryBytes, folder };
    using _watch = watchUse(clock, bounds, (it) => this.#kill(overuse(it, this.plugin, limitMb)));
    const { code, signal } = await this.#process.ended;
    const how = code === null ? `signal ${String(signal)}` : `exit code ${String(code)}`;
    this.#why ??= this.#said.tellOfMemory
      ? overuse('memory', this.plugin, limitMb)
      : new HubError('HOST_CRASHED', { plugin: this.plugin, how });
    this.#close(this.#why);
    blobs.close(this.id);
    return this.#why;
  }
}
