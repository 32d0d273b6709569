import {
  HubError,
  capabilityText,
  needsOf,
  type AuditRecord,
  type CapabilityName,
  type Grant,
  type Json,
  type Need,
  type Permission,
  type PluginId,
} from '@runtime-hub/plugin-sdk/contract';
import type {
  Audit,
  Caller,
  CapabilityGate,
  CapabilityRequest,
  Clock,
  EventSink,
  GrantStore,
  Ids,
  InstalledPlugin,
  PluginSource,
  Provider,
  Service,
} from '../ports.ts';
import { Consent, type Decision } from './consent.ts';
import { GrantBook, type Granted } from './grant-book.ts';
import { checkArgs, checkResult } from './operations.ts';

export interface BrokerPorts {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly plugins: PluginSource;
  readonly grants: GrantStore;
  readonly audit: Audit;
  readonly events: EventSink;
  /** What the hub provides itself; goes before plugins that say they provide the same. */
  readonly services: readonly Service[];
  readonly provider: Provider;
  /** Capabilities the trust policy grants to every plugin whose manifest asks for them. */
  readonly autoGrant: readonly CapabilityName[];
}

/** One use on its way. */
interface Use {
  readonly grants: { readonly grant: Granted; readonly need: Need }[];
  /** Stop it when a grant of its ends; only grants with an end have one. */
  readonly timers: Disposable[];
  readonly stop: AbortController;
}

interface Asked {
  readonly caller: Caller;
  readonly request: CapabilityRequest;
  readonly needs: readonly Need[];
}

/** The longest wait of a timer. */
const MAX_WAIT_MS = 2_147_483_647;

/** Makes the one gate through which plugins reach anything. Fails closed: what is not granted is refused. */
export const createBroker = (ports: BrokerPorts): Broker => new Broker(ports);

/** Decides each use of a capability, records it before it proceeds, and keeps who may do what. */
export class Broker implements CapabilityGate {
  readonly #ports: BrokerPorts;
  readonly #services: ReadonlyMap<CapabilityName, Service>;
  readonly #book: GrantBook;
  readonly #consent: Consent;
  readonly #uses = new Map<PluginId, Set<Use>>();

  constructor(ports: BrokerPorts) {
    this.#ports = ports;
    this.#services = new Map(ports.services.map((service) => [service.capability, service]));
    this.#book = new GrantBook(ports);
    this.#consent = new Consent({
      ...ports,
      book: this.#book,
      onTaken: (plugin) => this.#stopRevoked(plugin),
    });
  }

  /**
   * Decides and performs one use. What it needs is computed from the arguments.
   * Rejects with CAPABILITY_DENIED, CAPABILITY_NOT_GRANTED, CAPABILITY_RATE_EXCEEDED, CAPABILITY_UNAVAILABLE,
   * CAPABILITY_REVOKED, STEP_INPUT_INVALID, STEP_OUTPUT_INVALID or the provider's own error.
   */
  async call(caller: Caller, request: CapabilityRequest, signal: AbortSignal): Promise<Json> {
    const use = this.#decide(caller, request);
    return await this.#perform(use, { caller, request, signal });
  }

  /** Permissions a plugin's manifest asks for that no live grant meets; asks for them, each once. Throws CAPABILITY_DENIED when a person refused all of a capability. */
  missing(plugin: PluginId, uses: readonly CapabilityName[]): readonly Permission[] {
    const installed = this.#ports.plugins.get(plugin);
    if (installed === null) return [];
    return uses.flatMap((capability) => {
      const asked = installed.manifest.permissions.filter((it) => it.capability === capability);
      this.#consent.ask(installed, asked);
      const open = asked.filter((it) => !this.#book.refuses(installed, it));
      if (asked.length > 0 && open.length === 0)
        throw new HubError('CAPABILITY_DENIED', { plugin, need: capability });
      return open.filter((it) => !this.#book.satisfies(installed, it));
    });
  }

  /** Asks the admin for everything a plugin's manifest wants and nobody has decided. Throws PLUGIN_NOT_INSTALLED. */
  request(plugin: PluginId): readonly Grant[] {
    const installed = this.#installed(plugin);
    return this.#consent.ask(installed, installed.manifest.permissions);
  }

  /** Grants all a plugin asks for, one capability of it, or a narrower target. Throws HUB_REQUEST_INVALID for more than was asked. */
  approve(decision: Decision): readonly Grant[] {
    return this.#consent.approve(this.#installed(decision.plugin), decision);
  }

  /** Refuses; wins over every grant that overlaps it, and aborts what is using one. */
  deny(decision: Decision): readonly Grant[] {
    return this.#consent.deny(this.#installed(decision.plugin), decision);
  }

  /** Takes grants back and aborts what is using them. Throws GRANT_NOT_FOUND when there is none. */
  revoke(decision: Decision): readonly Grant[] {
    return this.#consent.revoke(decision);
  }

  list(): readonly Grant[] {
    return this.#book.list();
  }

  /** Calls `listener` after a plugin's grants changed. */
  onChange(listener: (plugin: PluginId) => void): Disposable {
    return this.#consent.onChange(listener);
  }

  #installed(id: PluginId): InstalledPlugin {
    const plugin = this.#ports.plugins.get(id);
    if (plugin === null) throw new HubError('PLUGIN_NOT_INSTALLED', { plugin: id });
    return plugin;
  }

  #decide(caller: Caller, request: CapabilityRequest): Use {
    const { capability, args } = request;
    const use: Use = { grants: [], timers: [], stop: new AbortController() };
    let needs: readonly Need[] = [{ capability, target: '*' }];
    try {
      checkArgs(caller.plugin, request);
      needs = needsOf(capability, args);
    } catch (error) {
      this.#record(caller, request, needs, 'denied');
      throw error;
    }
    this.#permit(use, { caller, request, needs });
    return use;
  }

  /** Adds needs to a use; all or none. */
  #permit(use: Use, { caller, request, needs }: Asked): void {
    try {
      const held = this.#cover(this.#installed(caller.plugin), needs);
      use.grants.push(...held);
      use.timers.push(...this.#expiries(held, caller.plugin));
    } catch (error) {
      const exceeded = HubError.is(error, 'CAPABILITY_RATE_EXCEEDED');
      this.#record(caller, request, needs, exceeded ? 'rate-exceeded' : 'denied');
      throw error;
    }
    this.#record(caller, request, needs, 'allowed');
  }

  #cover(plugin: InstalledPlugin, needs: readonly Need[]): Use['grants'] {
    if (!this.#book.knows(plugin)) {
      const { autoGrant } = this.#ports;
      const given = plugin.manifest.permissions.filter((it) => autoGrant.includes(it.capability));
      this.#consent.ask(plugin, given);
    }
    const held = needs.map((need) => ({ need, ...this.#book.cover(plugin, need) }));
    for (const [index, { need, grant, rate }] of held.entries()) {
      const again = held.slice(0, index).some((it) => it.grant === grant);
      if (again || rate === null || rate.take()) continue;
      throw new HubError('CAPABILITY_RATE_EXCEEDED', {
        plugin: plugin.manifest.id,
        need: capabilityText(need),
        ratePerSecond: rate.perSecond,
      });
    }
    return held;
  }

  #record(
    { plugin, run, node }: Caller,
    { operation }: CapabilityRequest,
    needs: readonly Need[],
    decision: AuditRecord['decision'],
  ): void {
    const { audit, clock, events } = this.#ports;
    const at = clock.now();
    for (const it of needs) {
      const need = capabilityText(it);
      audit.append({ at, plugin, need, operation, decision, run, node, by: null });
      const used = { plugin, need, operation, allowed: decision === 'allowed' };
      events.emit({ type: 'capability.used', at, ...used, ...(run === null ? {} : { run }) });
    }
  }

  async #perform(
    use: Use,
    work: {
      readonly caller: Caller;
      readonly request: CapabilityRequest;
      readonly signal: AbortSignal;
    },
  ): Promise<Json> {
    const { caller, request, signal } = work;
    const uses = this.#uses.get(caller.plugin) ?? new Set();
    this.#uses.set(caller.plugin, uses.add(use));
    const cancel = () => use.stop.abort(reasonOf(signal));
    signal.addEventListener('abort', cancel, { once: true });
    if (signal.aborted) cancel();
    try {
      use.stop.signal.throwIfAborted();
      const done = this.#provide(use, caller, request);
      const result = await Promise.race([done, stopped(use.stop.signal)]);
      checkResult(request, result);
      return result;
    } finally {
      for (const timer of use.timers) timer[Symbol.dispose]();
      signal.removeEventListener('abort', cancel);
      uses.delete(use);
      if (uses.size === 0) this.#uses.delete(caller.plugin);
    }
  }

  async #provide(use: Use, caller: Caller, request: CapabilityRequest): Promise<Json> {
    const { capability, operation, args } = request;
    const { signal } = use.stop;
    const service = this.#services.get(capability);
    if (service !== undefined) {
      const permit = (need: Need) => this.#permit(use, { caller, request, needs: [need] });
      return await service.call(operation, args, { caller, signal, permit });
    }
    const provider = this.#ports.plugins
      .list()
      .find(({ manifest }) => manifest.provides.includes(capability));
    if (provider === undefined) throw new HubError('CAPABILITY_UNAVAILABLE', { need: capability });
    const { plugin, host, run } = caller;
    const served = { ...request, caller: plugin, host, run };
    return await this.#ports.provider.serve(provider.manifest.id, served, signal);
  }

  #expiries(grants: Use['grants'], plugin: PluginId): readonly Disposable[] {
    const { clock } = this.#ports;
    return grants.flatMap(({ grant }) => {
      if (grant.until === null) return [];
      const wait = Math.min(Math.max(0, grant.until - clock.now()), MAX_WAIT_MS);
      return [clock.after(wait, () => this.#stopRevoked(plugin))];
    });
  }

  /** Stops every use of a plugin that rests on a grant which no longer counts. */
  #stopRevoked(id: PluginId): void {
    const plugin = this.#ports.plugins.get(id);
    for (const { grants, stop } of this.#uses.get(id) ?? []) {
      const lost = grants.find(
        ({ grant, need }) => plugin === null || !this.#book.holds(plugin, grant, need),
      );
      if (lost === undefined) continue;
      const need = capabilityText(lost.need);
      stop.abort(new HubError('CAPABILITY_REVOKED', { plugin: id, need }));
    }
  }
}

/** Rejects when the signal aborts. */
async function stopped(signal: AbortSignal): Promise<never> {
  return await new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(reasonOf(signal)), { once: true });
  });
}

const reasonOf = (signal: AbortSignal): HubError => {
  const reason: unknown = signal.reason;
  if (reason instanceof HubError) return reason;
  const text = reason instanceof Error ? reason.message : 'the caller went away';
  return new HubError('STEP_CANCELLED', { reason: text });
};
