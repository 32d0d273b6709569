import {
  DEFAULT_WORKSPACE,
  HubError,
  type Json,
  type JsonObject,
  type PluginId,
  type Runtime,
  type StepReport,
} from '@runtime-hub/plugin-sdk/contract';
import {
  CrashRecord,
  DEFAULT_LIMITS,
  Host,
  Resting,
  limitsFor,
  residentBytes,
  wait,
} from '@runtime-hub/plugin-sdk/hosting';
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

/** Runs plugins in jailed hosts: one host a plugin version and workspace, started when first needed, restarted after a crash. */
export interface HostPool extends StepExecutor, TriggerListener, Provider {
  /** Starts a plugin's host of the default workspace before it is needed. */
  warm(plugin: PluginId): Promise<void>;
  /** Ends a plugin's hosts, or those of one version; they start again when next needed. Steps there fail with `why`. */
  stop(
    plugin: PluginId,
    how?: { readonly digest?: string; readonly why?: HubError },
  ): Promise<void>;
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
  readonly key: string;
  readonly plugin: InstalledPlugin;
  readonly ready: Promise<Host>;
}
type Wanted = Pick<SegmentRequest, 'plugin' | 'version' | 'workspace'>;

class Pool implements HostPool {
  readonly #ports: HostPoolPorts;
  readonly #limits: PoolLimits;
  /** By digest and workspace: code that serves two workspaces could use in one what is granted in the other. */
  readonly #places = new Map<string, Place>();
  readonly #alive = new Set<Host>();
  readonly #crashes = new Map<PluginId, CrashRecord>();
  readonly #resting: Resting;
  readonly #spares: Promise<Host>[] = [];
  readonly #starting = new Set<Promise<unknown>>();
  #closed = false;

  constructor(ports: HostPoolPorts) {
    this.#ports = ports;
    this.#limits = { ...DEFAULT_LIMITS, ...ports.limits };
    const { idleMs } = this.#limits;
    this.#resting = new Resting(ports.clock, idleMs, (host) => this.#dismiss(host));
  }

  async run(request: SegmentRequest, signal: AbortSignal): Promise<readonly StepReport[]> {
    return await this.#use(request, (host) => host.run(request, signal));
  }

  async listen(
    request: ListenRequest,
    onEvent: (outputs: JsonObject) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    await this.#use(request, (host) => host.listen(request, onEvent, signal));
  }

  async serve(provider: PluginId, request: ServeRequest, signal: AbortSignal): Promise<Json> {
    const wanted = { plugin: provider, workspace: request.workspace };
    return await this.#use(wanted, (host) => host.serve(request, signal));
  }

  async warm(plugin: PluginId): Promise<void> {
    const wanted = { plugin, workspace: DEFAULT_WORKSPACE };
    await this.#use(wanted, async () => await Promise.resolve());
  }

  async stop(id: PluginId, { digest, why }: Parameters<HostPool['stop']>[1] = {}): Promise<void> {
    const ending = [...this.#places.values()]
      .filter(
        ({ plugin }) => plugin.manifest.id === id && (digest ?? plugin.digest) === plugin.digest,
      )
      .map(async ({ key, ready }) => {
        this.#places.delete(key);
        await (await ready.catch(() => null))?.close(why ?? 'the plugin was stopped');
      });
    await Promise.all(ending);
  }

  release(plugin: PluginId): void {
    this.#crashes.get(plugin)?.release();
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
    this.#resting.close();
    const reason = 'the hub is closing';
    await Promise.allSettled([...this.#alive].map((host) => host.close(reason)));
    await Promise.allSettled(this.#starting);
    await Promise.allSettled([...this.#alive].map((host) => host.close(reason)));
    this.#places.clear();
  }

  async #use<T>(wanted: Wanted, work: (host: Host) => Promise<T>): Promise<T> {
    const host = await this.#livingHostOf(wanted);
    try {
      return await work(host);
    } finally {
      if (host.load === 0 && !host.dead && !this.#closed) this.#rest(host, wanted);
    }
  }

  /** A host that is dying is not used again: its successor starts once it is gone. */
  async #livingHostOf(wanted: Wanted): Promise<Host> {
    const host = await this.#hostOf(wanted);
    if (!host.dead) return host;
    await host.ended;
    return await this.#hostOf(wanted);
  }

  /** Ends a host that nobody uses: at once when it runs a version nobody asked for, else after the idle time. */
  #rest(host: Host, { plugin, version }: Wanted): void {
    if (this.#ports.plugins.get(plugin, version)?.digest === host.digest) this.#resting.add(host);
    else this.#dismiss(host);
  }

  #dismiss(host: Host): void {
    if (host.load === 0) void host.close('it was idle');
  }

  async #hostOf({ plugin: id, version, workspace }: Wanted): Promise<Host> {
    const { plugins } = this.#ports;
    const plugin = plugins.get(id, version);
    if (this.#closed) throw new HubError('STEP_CANCELLED', { reason: 'the hub is closing' });
    if (plugin === null)
      throw plugins.refusal?.(id, version) ?? new HubError('PLUGIN_NOT_INSTALLED', { plugin: id });
    const reason = this.#crashes.get(id)?.quarantine;
    if (typeof reason === 'string')
      throw new HubError('PLUGIN_QUARANTINED', { plugin: id, reason });
    const key = `${plugin.digest} ${workspace}`;
    const place = this.#places.get(key);
    if (place !== undefined) return await place.ready;
    const ready = this.#track(this.#begin(plugin, key));
    const begun = { key, plugin, ready };
    this.#places.set(key, begun);
    ready.catch(() => this.#vacate(begun));
    for (const old of version === undefined ? this.#resting.hosts() : [])
      if (old.plugin === id && old.digest !== plugin.digest && old.load === 0)
        void old.close('a new version was installed');
    return await ready;
  }

  #vacate(place: Place): void {
    if (this.#places.get(place.key) === place) this.#places.delete(place.key);
  }

  async #begin(plugin: InstalledPlugin, key: string): Promise<Host> {
    const { clock, events } = this.#ports;
    const { id, runtime } = plugin.manifest;
    await wait(clock, this.#crashes.get(id)?.waitMs(clock.now()) ?? 0);
    const startedAt = clock.now();
    const set = this.#ports.limitsOf?.(id) ?? {};
    const isUsual = runtime === 'isolate' && Object.keys(set).length === 0;
    const spare = isUsual ? await this.#takeSpare() : null;
    const host = spare ?? (await this.#start(runtime, plugin, set));
    const place = this.#places.get(key);
    void host.ended.then((why) => {
      if (place !== undefined) this.#vacate(place);
      this.#record(host, why);
    });
    await host.loadPlugin(plugin);
    const ms = clock.now() - startedAt;
    events.emit({ type: 'host.started', at: clock.now(), plugin: id, pid: host.pid, ms });
    if (runtime === 'isolate') this.#fillSpares();
    return host;
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
      this.#resting.delete(host);
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
    if (['STEP_CANCELLED', 'PLUGIN_REVOKED'].includes(why.code) || this.#closed) return;
    const record = this.#crashes.get(plugin) ?? new CrashRecord();
    this.#crashes.set(plugin, record);
    // A step that took too much is its workflow's doing as much as the plugin's: others may go on using it.
    if (!record.add(at, why.message, !TOO_MUCH.has(why.code))) return;
    events.emit({ type: 'plugin.quarantined', at, plugin, reason: record.quarantine ?? '' });
  }
}
