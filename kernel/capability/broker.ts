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
  NodeUses,
  PluginSource,
  Provider,
  Service,
} from '../ports.ts';
import { Consent, type Decision } from './consent.ts';
import { GrantBook } from './grant-book.ts';
import { checkArgs, checkResult } from './operations.ts';
import { Use } from './use.ts';

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

interface Asked {
  readonly caller: Caller;
  readonly request: CapabilityRequest;
  readonly needs: readonly Need[];
}

const ONCE = { once: true };
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
    const uses = this.#uses.get(caller.plugin) ?? new Set();
    this.#uses.set(caller.plugin, uses.add(use));
    const cancel = () => use.stop(reasonOf(signal));
    signal.addEventListener('abort', cancel, ONCE);
    if (signal.aborted) cancel();
    try {
      const result = await use.result(() => this.#provide(use, request));
      checkResult(request, result);
      return result;
    } finally {
      use.end();
      signal.removeEventListener('abort', cancel);
      uses.delete(use);
      if (uses.size === 0) this.#uses.delete(caller.plugin);
    }
  }

  /** Permissions a plugin's manifest asks for that no live grant meets; asks for them, each once. Throws CAPABILITY_DENIED when a person refused all of a capability. */
  missing({ plugin, version, nodeType }: NodeUses, workspace: string): readonly Permission[] {
    const installed = this.#ports.plugins.get(plugin, version);
    if (installed === null) return [];
    return nodeType.uses.flatMap((capability) => {
      const asked = installed.manifest.permissions.filter((it) => it.capability === capability);
      this.#consent.ask(installed, asked, workspace);
      const open = asked.filter((it) => !this.#book.refuses(installed, it, workspace));
      if (asked.length > 0 && open.length === 0)
        throw new HubError('CAPABILITY_DENIED', { plugin, need: capability });
      return open.filter((it) => !this.#book.satisfies(installed, it, workspace));
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

  #installed(id: PluginId, version?: string): InstalledPlugin {
    const { plugins } = this.#ports;
    const plugin = plugins.get(id, version);
    if (plugin !== null) return plugin;
    throw plugins.refusal?.(id, version) ?? new HubError('PLUGIN_NOT_INSTALLED', { plugin: id });
  }

  #decide(caller: Caller, request: CapabilityRequest): Use {
    const { capability, args } = request;
    const use = new Use(caller, (it, need) => this.#permit(it, { caller, request, needs: [need] }));
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
      const held = this.#cover(caller, needs);
      use.grants.push(...held);
      use.timers.push(...this.#expiries(held, caller.plugin));
    } catch (error) {
      const exceeded = HubError.is(error, 'CAPABILITY_RATE_EXCEEDED');
      this.#record(caller, request, needs, exceeded ? 'rate-exceeded' : 'denied');
      throw error;
    }
    this.#record(caller, request, needs, 'allowed');
  }

  #cover({ plugin: id, version, workspace }: Caller, needs: readonly Need[]): Use['grants'] {
    const plugin = this.#installed(id, version);
    if (!this.#book.knows(plugin)) {
      const { autoGrant } = this.#ports;
      const given = plugin.manifest.permissions.filter((it) => autoGrant.includes(it.capability));
      this.#consent.ask(plugin, given);
    }
    const held = needs.map((need) => ({ need, ...this.#book.cover(plugin, need, workspace) }));
    for (const [index, { need, grant, rate }] of held.entries()) {
      if (rate === null || held.findIndex((it) => it.grant === grant) < index || rate.take())
        continue;
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

  #provide(use: Use, request: CapabilityRequest): Promise<Json> {
    const { capability, operation, args } = request;
    const service = this.#services.get(capability);
    if (service !== undefined) return service.call(operation, args, use);
    const provider = this.#ports.plugins
      .list()
      .find(({ manifest }) => manifest.provides.includes(capability));
    if (provider === undefined) throw new HubError('CAPABILITY_UNAVAILABLE', { need: capability });
    const { plugin, host, run, workspace } = use.caller;
    const served = { ...request, caller: plugin, host, run, workspace };
    return this.#ports.provider.serve(provider.manifest.id, served, use.signal);
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
    for (const use of this.#uses.get(id) ?? []) {
      const { caller, grants } = use;
      const plugin = this.#ports.plugins.get(id, caller.version);
      const isHeld = ({ grant, need }: Use['grants'][number]): boolean =>
        plugin !== null && this.#book.holds(plugin, grant, need, caller.workspace);
      const lost = grants.find((it) => !isHeld(it));
      if (lost === undefined) continue;
      const need = capabilityText(lost.need);
      use.stop(new HubError('CAPABILITY_REVOKED', { plugin: id, need }));
    }
  }
}

const reasonOf = (signal: AbortSignal): HubError => {
  const reason: unknown = signal.reason;
  if (reason instanceof HubError) return reason;
  const text = reason instanceof Error ? reason.message : 'the caller went away';
  return new HubError('STEP_CANCELLED', { reason: text });
};
