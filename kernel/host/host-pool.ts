import {
  HubError,
  type Json,
  type JsonObject,
  type PluginId,
  type Runtime,
  type StepReport,
} from '@runtime-hub/plugin-sdk/contract';
import { DEFAULT_LIMITS, Host, limitsFor, residentBytes } from '@runtime-hub/plugin-sdk/hosting';
import type {
  CallLine,
  CapabilityGate,
  EventSink,
  HostPorts,
  InstalledPlugin,
  ListenRequest,
  PluginLimits,
  PluginSource,
  PoolLimits,
  Provider,
  SegmentRequest,
  ServeRequest,
  StepExecutor,
  TriggerListener,
} from '../ports.ts';
import { CrashRecord } from './crash-record.ts';
import { HostCalls } from './host-calls.ts';

export interface HostPoolPorts extends Omit<HostPorts, 'calls'> {
  readonly gate: CapabilityGate;
  readonly events: EventSink;
  readonly plugins: PluginSource;
  readonly limits?: Partial<PoolLimits>;
  /** What the admin set for a plugin. */
  readonly limitsOf?: (plugin: PluginId) => Partial<PluginLimits>;
}

export interface HostStats {
  readonly plugin: PluginId;
  readonly pid: number;
  readonly rssBytes: number;
  /** Calls its plugin made. */
  readonly calls: number;
  /** Crashes of the plugin that still count. */
  readonly crashes: number;
}

/** Runs plugins in jailed hosts: one host a plugin version, started when first needed, restarted after a crash. */
export interface HostPool extends StepExecutor, TriggerListener, Provider {
  /** Starts a plugin's host before it is needed. */
  warm(plugin: PluginId): Promise<void>;
  /** Ends a plugin's host; it starts again when next needed. */
  stop(plugin: PluginId): Promise<void>;
  /** Lets a plugin out of quarantine. */
  release(plugin: PluginId): void;
  stats(): Promise<{ readonly hosts: readonly HostStats[] }>;
  /** Ends every host; nothing is started after it. */
  close(): Promise<void>;
}

/** Makes a pool. Its calls throw PLUGIN_NOT_INSTALLED, PLUGIN_QUARANTINED, JAIL_UNAVAILABLE, HOST_… and STEP_…. */
export function createHostPool(ports: HostPoolPorts): HostPool {
  return new Pool(ports);
}

const TOO_MUCH: ReadonlySet<string> = new Set([
  'HOST_OUT_OF_MEMORY',
  'HOST_UNRESPONSIVE',
  'STEP_TIMED_OUT',
]);

interface Place {
  readonly digest: string;
  readonly ready: Promise<Host>;
}

class Pool implements HostPool {
  readonly #ports: HostPoolPorts;
  readonly #limits: PoolLimits;
  readonly #places = new Map<PluginId, Place>();
  readonly #alive = new Set<Host>();
  readonly #crashes = new Map<PluginId, CrashRecord>();
  readonly #idle = new Map<Host, { since: number; readonly timer: Disposable }>();
  readonly #spares: Promise<Host>[] = [];
  readonly #starting = new Set<Promise<unknown>>();
  #closed = false;

  constructor(ports: HostPoolPorts) {
    this.#ports = ports;
    this.#limits = { ...DEFAULT_LIMITS, ...ports.limits };
  }

  async run(request: SegmentRequest, signal: AbortSignal): Promise<readonly StepReport[]> {
    return await this.#use(request.plugin, (host) => host.run(request, signal));
  }

  async listen(
    request: ListenRequest,
    onEvent: (outputs: JsonObject) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    await this.#use(request.plugin, (host) => host.listen(request, onEvent, signal));
  }

  async serve(provider: PluginId, request: ServeRequest, signal: AbortSignal): Promise<Json> {
    return await this.#use(provider, (host) => host.serve(request, signal));
  }

  async warm(plugin: PluginId): Promise<void> {
    await this.#use(plugin, async () => await Promise.resolve());
  }

  async stop(plugin: PluginId): Promise<void> {
    const place = this.#places.get(plugin);
    this.#places.delete(plugin);
    const host = await place?.ready.catch(() => null);
    await host?.close('the plugin was stopped');
  }

  release(plugin: PluginId): void {
    this.#crashes.delete(plugin);
  }

  async stats(): Promise<{ readonly hosts: readonly HostStats[] }> {
    const loaded = [...this.#alive].filter((host) => host.digest !== null);
    const hosts = loaded.map(async (host) => ({
      plugin: host.plugin,
      pid: host.pid,
      rssBytes: await residentBytes(host.pid),
      calls: host.calls,
      crashes: this.#crashes.get(host.plugin)?.count ?? 0,
    }));
    return { hosts: await Promise.all(hosts) };
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const { timer } of this.#idle.values()) timer[Symbol.dispose]();
    const reason = 'the hub is closing';
    await Promise.allSettled([...this.#alive].map((host) => host.close(reason)));
    await Promise.allSettled(this.#starting);
    await Promise.allSettled([...this.#alive].map((host) => host.close(reason)));
    this.#places.clear();
  }

  async #use<T>(plugin: PluginId, work: (host: Host) => Promise<T>): Promise<T> {
    const host = await this.#livingHostOf(plugin);
    try {
      return await work(host);
    } finally {
      if (host.load === 0 && !host.dead && !this.#closed) this.#rest(host);
    }
  }

  /** A host that is dying is not used again: its successor starts once it is gone. */
  async #livingHostOf(plugin: PluginId): Promise<Host> {
    const host = await this.#hostOf(plugin);
    if (!host.dead) return host;
    await host.ended;
    return await this.#hostOf(plugin);
  }

  /** Ends a host that nobody uses: at once when it runs an old version, else after the idle time. */
  #rest(host: Host): void {
    if (this.#ports.plugins.get(host.plugin)?.digest !== host.digest) return this.#dismiss(host);
    const idle = this.#idle.get(host);
    const since = this.#ports.clock.now();
    if (idle === undefined) this.#idle.set(host, { since, timer: this.#lookLater(host, since) });
    else idle.since = since;
  }

  /** One timer a host, set again while it is used in between: not one for each call. */
  #lookLater(host: Host, since: number): Disposable {
    const { clock } = this.#ports;
    const end = since + this.#limits.idleMs;
    return clock.after(end - clock.now(), () => {
      const used = this.#idle.get(host)?.since ?? since;
      this.#idle.delete(host);
      if (used === since) return this.#dismiss(host);
      this.#idle.set(host, { since: used, timer: this.#lookLater(host, used) });
    });
  }

  #dismiss(host: Host): void {
    if (host.load > 0) return;
    const place = this.#places.get(host.plugin);
    if (place?.digest === host.digest) this.#places.delete(host.plugin);
    void host.close('it was idle');
  }

  #hostOf(id: PluginId): Promise<Host> {
    const plugin = this.#ports.plugins.get(id);
    if (this.#closed)
      return Promise.reject(new HubError('STEP_CANCELLED', { reason: 'the hub is closing' }));
    if (plugin === null)
      return Promise.reject(new HubError('PLUGIN_NOT_INSTALLED', { plugin: id }));
    const reason = this.#crashes.get(id)?.quarantine;
    if (typeof reason === 'string')
      return Promise.reject(new HubError('PLUGIN_QUARANTINED', { plugin: id, reason }));
    const place = this.#places.get(id);
    if (place?.digest === plugin.digest) return place.ready;
    const ready = this.#track(this.#begin(plugin));
    const next = { digest: plugin.digest, ready };
    this.#places.set(id, next);
    ready.catch(() => this.#vacate(id, next));
    void place?.ready.then((old) => this.#retire(old)).catch(() => undefined);
    return ready;
  }

  #retire(old: Host): void {
    if (old.load === 0) void old.close('a new version was installed');
  }

  #vacate(id: PluginId, place: Place): void {
    if (this.#places.get(id) === place) this.#places.delete(id);
  }

  async #begin(plugin: InstalledPlugin): Promise<Host> {
    const { clock, events } = this.#ports;
    const { id, runtime } = plugin.manifest;
    await this.#backOff(id);
    const startedAt = clock.now();
    const set = this.#ports.limitsOf?.(id) ?? {};
    const isUsual = runtime === 'isolate' && Object.keys(set).length === 0;
    const spare = isUsual ? await this.#takeSpare() : null;
    const host = spare ?? (await this.#start(runtime, plugin, set));
    const place = this.#places.get(id);
    void host.ended.then((why) => {
      if (place !== undefined) this.#vacate(id, place);
      this.#record(host, why);
    });
    await host.loadPlugin(plugin);
    const ms = clock.now() - startedAt;
    events.emit({ type: 'host.started', at: clock.now(), plugin: id, pid: host.pid, ms });
    if (runtime === 'isolate') this.#fillSpares();
    return host;
  }

  async #backOff(plugin: PluginId): Promise<void> {
    const waitMs = this.#crashes.get(plugin)?.waitMs(this.#ports.clock.now()) ?? 0;
    if (waitMs === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#ports.clock.after(waitMs, resolve);
    await promise;
  }

  async #start(
    runtime: Runtime,
    plugin: InstalledPlugin | null,
    set: Partial<PluginLimits> = {},
  ): Promise<Host> {
    const limits = limitsFor(this.#limits, runtime, set);
    const shown = runtime === 'isolate' ? null : plugin;
    const what = { runtime, plugin: shown };
    const ports = {
      ...this.#ports,
      calls: (line: CallLine) => new HostCalls({ ...this.#ports, ...line, limits }),
    };
    const host = await Host.start(ports, { ...this.#limits, limits }, what);
    this.#alive.add(host);
    void host.ended.then(() => {
      this.#alive.delete(host);
      this.#idle.get(host)?.timer[Symbol.dispose]();
      this.#idle.delete(host);
    });
    return host;
  }

  async #takeSpare(): Promise<Host | null> {
    const host = await this.#spares.shift()?.catch(() => null);
    return host === undefined || host === null || host.dead ? null : host;
  }

  #fillSpares(): void {
    while (!this.#closed && this.#spares.length < this.#limits.spares) {
      const spare = this.#track(this.#start('isolate', null));
      spare.catch(() => undefined);
      this.#spares.push(spare);
    }
  }

  #track<T>(promise: Promise<T>): Promise<T> {
    this.#starting.add(promise);
    void Promise.allSettled([promise]).then(() => this.#starting.delete(promise));
    return promise;
  }

  #record(host: Host, why: HubError): void {
    const { clock, events } = this.#ports;
    const { plugin, pid } = host;
    const at = clock.now();
    events.emit({ type: 'host.ended', at, plugin, pid, how: why.message, code: why.code });
    if (HubError.is(why, 'STEP_CANCELLED') || this.#closed) return;
    const record = this.#crashes.get(plugin) ?? new CrashRecord();
    this.#crashes.set(plugin, record);
    // A step that took too much is its workflow's doing as much as the plugin's: others may go on using it.
    if (!record.add(at, why.message, !TOO_MUCH.has(why.code))) return;
    events.emit({ type: 'plugin.quarantined', at, plugin, reason: record.quarantine ?? '' });
  }
}
