import {
  HubError,
  capabilityText,
  covers,
  overlaps,
  type CapabilityName,
  type Grant,
  type Need,
  type Permission,
} from '@runtime-hub/plugin-sdk/contract';
import { Rate } from '@runtime-hub/plugin-sdk/hosting';
import type { Clock, GrantStore, InstalledPlugin } from '../ports.ts';

export type Granted = Extract<Grant, { readonly status: 'granted' }>;

/** A grant that counted when it was looked up, and how fast it may be used. */
export interface LiveGrant {
  readonly grant: Granted;
  readonly rate: Rate | null;
}

/** Everything decided about one version of a plugin. */
interface Decided {
  readonly plugin: InstalledPlugin;
  readonly live: ReadonlyMap<CapabilityName, readonly LiveGrant[]>;
  readonly denied: readonly Grant[];
}

export interface GrantBookPorts {
  readonly clock: Clock;
  readonly grants: GrantStore;
  readonly autoGrant: readonly CapabilityName[];
}

/** By whom a grant was given that holds only while the trust policy gives it. */
export const BY_POLICY = 'policy';

/** All grants in memory, each change stored before it counts; taking away counts even when storing fails. */
export class GrantBook {
  readonly #ports: GrantBookPorts;
  readonly #records: Map<string, Grant>;
  /** By digest. */
  readonly #decided = new Map<string, Decided>();
  readonly #rates = new Map<string, Rate>();

  constructor(ports: GrantBookPorts) {
    this.#ports = ports;
    this.#records = new Map(ports.grants.list().map((grant) => [grant.id, grant]));
  }

  list(): readonly Grant[] {
    return [...this.#records.values()];
  }

  /** Records of a plugin under its present publisher and of one capability; another publisher's are void. */
  about({ manifest, publisher }: InstalledPlugin, capability: CapabilityName): readonly Grant[] {
    return this.list().filter(
      (it) =>
        it.plugin === manifest.id &&
        it.publisher === publisher &&
        it.permission.capability === capability,
    );
  }

  put(grant: Grant): void {
    this.#decided.clear();
    if (grant.status !== 'granted') this.#records.set(grant.id, grant);
    this.#ports.grants.put(grant);
    this.#records.set(grant.id, grant);
  }

  /** True when what `plugin` asks for was looked at since the last change. */
  knows(plugin: InstalledPlugin): boolean {
    const known = this.#decided.get(plugin.digest)?.plugin;
    return known?.manifest.id === plugin.manifest.id && known.publisher === plugin.publisher;
  }

  /** The grant that covers a need: throws CAPABILITY_DENIED, or CAPABILITY_NOT_GRANTED while an admin may still decide. */
  cover(plugin: InstalledPlugin, need: Need, workspace: string): LiveGrant {
    const { live, denied } = this.#decidedOf(plugin);
    const refused = denied.some((it) => holdsIn(it, workspace) && overlaps(it.permission, need));
    const held = live.get(need.capability) ?? [];
    const counts = ({ grant }: LiveGrant): boolean => this.#isLive(grant, workspace);
    const found = held.find((it) => covers(it.grant.permission, need) && counts(it));
    if (found !== undefined && !refused) return found;
    const asked = plugin.manifest.permissions.find((it) => covers(it, need));
    const { id } = plugin.manifest;
    if (asked === undefined || refused || held.some(counts)) {
      throw new HubError('CAPABILITY_DENIED', { plugin: id, need: capabilityText(need) });
    }
    const { reason } = asked;
    throw new HubError('CAPABILITY_NOT_GRANTED', {
      plugin: id,
      need: capabilityText(need),
      reason,
    });
  }

  /** True while a grant counts and nothing denies what it is used for. */
  holds(plugin: InstalledPlugin, { id }: Granted, need: Need, workspace: string): boolean {
    const { live, denied } = this.#decidedOf(plugin);
    const grant = live.get(need.capability)?.find((it) => it.grant.id === id)?.grant;
    if (grant === undefined || !this.#isLive(grant, workspace)) return false;
    if (!covers(grant.permission, need)) return false;
    return !denied.some((it) => holdsIn(it, workspace) && overlaps(it.permission, need));
  }

  /** True when all of what a manifest asks for is refused. */
  refuses(plugin: InstalledPlugin, asked: Permission, workspace: string): boolean {
    const { denied } = this.#decidedOf(plugin);
    return denied.some((it) => holdsIn(it, workspace) && covers(it.permission, asked));
  }

  /** True when some part of what a manifest asks for is granted. */
  satisfies(plugin: InstalledPlugin, asked: Permission, workspace: string): boolean {
    const held = this.#decidedOf(plugin).live.get(asked.capability) ?? [];
    return held.some(
      ({ grant }) => this.#isLive(grant, workspace) && covers(asked, grant.permission),
    );
  }

  #isLive(grant: Granted, workspace: string): boolean {
    return holdsIn(grant, workspace) && !expired(grant, this.#ports.clock.now());
  }

  #decidedOf(plugin: InstalledPlugin): Decided {
    const known = this.#decided.get(plugin.digest);
    if (known !== undefined && this.knows(plugin)) return known;
    const { id, permissions } = plugin.manifest;
    const live = new Map<CapabilityName, LiveGrant[]>();
    const denied: Grant[] = [];
    for (const grant of this.#records.values()) {
      if (grant.plugin !== id || grant.publisher !== plugin.publisher) continue;
      const { capability } = grant.permission;
      if (grant.status === 'denied') denied.push(grant);
      if (grant.status !== 'granted' || !this.#counts(grant, permissions)) continue;
      live.set(capability, [...(live.get(capability) ?? []), this.#liveGrant(grant)]);
    }
    const decided = { plugin, live, denied };
    this.#decided.set(plugin.digest, decided);
    return decided;
  }

  /** A grant counts only while the manifest asks for it, and one by the policy only while the policy gives it. */
  #counts({ by, permission }: Granted, asked: readonly Permission[]): boolean {
    if (by === BY_POLICY && !this.#ports.autoGrant.includes(permission.capability)) return false;
    return asked.some((it) => covers(it, permission));
  }

  /** The bucket outlives the lookup, so that a change elsewhere does not fill it. */
  #liveGrant(grant: Granted): LiveGrant {
    const { ratePerSecond } = grant.permission;
    if (ratePerSecond === undefined) return { grant, rate: null };
    const known = this.#rates.get(grant.id);
    if (known?.perSecond === ratePerSecond) return { grant, rate: known };
    const rate = new Rate(this.#ports.clock, ratePerSecond);
    this.#rates.set(grant.id, rate);
    return { grant, rate };
  }
}

/** True when a decision is about a workspace, or about all. */
export const holdsIn = ({ workspace }: Grant, where: string | undefined): boolean =>
  (workspace ?? where) === where;

/** True when a grant's time is over. */
export const expired = ({ until }: Granted, now: number): boolean => until !== null && until <= now;
