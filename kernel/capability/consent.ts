import {
  HubError,
  capabilityText,
  covers,
  type CapabilityName,
  type Grant,
  type Permission,
  type PluginId,
} from '@runtime-hub/plugin-sdk/contract';
import type { Audit, Clock, EventSink, Ids, InstalledPlugin } from '../ports.ts';
import { BY_POLICY, expired, holdsIn, type GrantBook } from './grant-book.ts';

/** What an admin decides about a plugin: all it asks for, or one capability, or part of one. */
export interface Decision {
  readonly plugin: PluginId;
  readonly capability?: CapabilityName;
  readonly target?: string;
  readonly ratePerSecond?: number;
  /** When an approval ends, milliseconds since 1970; never when left out. */
  readonly until?: number;
  /** Where it holds; everywhere when left out. A revocation then takes back the grants of every workspace. */
  readonly workspace?: string;
  readonly by: string;
  readonly reason?: string;
}

export interface ConsentPorts {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly audit: Audit;
  readonly events: EventSink;
  readonly autoGrant: readonly CapabilityName[];
  readonly book: GrantBook;
  /** Something was taken from a plugin: whatever rests on it must stop. */
  readonly onTaken: (plugin: PluginId) => void;
}

type Act = 'request' | 'approve' | 'deny' | 'revoke';
const DECISIONS = { granted: 'granted', denied: 'refused', revoked: 'revoked' } as const;

/** The acts by which people, and the trust policy, change what plugins may do. Each is stored, audited and told. */
export class Consent {
  readonly #ports: ConsentPorts;
  readonly #listeners = new Set<(plugin: PluginId) => void>();

  constructor(ports: ConsentPorts) {
    this.#ports = ports;
  }

  onChange(listener: (plugin: PluginId) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /** Makes a request, or the policy's grant, of each permission nobody has decided or whose grant ran out. */
  ask(plugin: InstalledPlugin, asked: readonly Permission[], workspace?: string): readonly Grant[] {
    const { autoGrant, book, clock, ids } = this.#ports;
    const at = clock.now();
    const { publisher } = plugin;
    const grants = asked.flatMap((permission): readonly Grant[] => {
      const known = book
        .about(plugin, permission.capability)
        .filter((it) => holdsIn(it, workspace) && covers(permission, it.permission));
      if (known.some((it) => it.status !== 'granted' || !expired(it, at))) return [];
      const id = known.find((it) => it.permission.target === permission.target)?.id ?? ids.next();
      const base = { id, plugin: plugin.manifest.id, publisher, permission, workspace: null, at };
      if (!autoGrant.includes(permission.capability)) return [{ status: 'requested', ...base }];
      return [{ status: 'granted', ...base, by: BY_POLICY, reason: null, until: null }];
    });
    return this.#settle('request', grants);
  }

  approve(plugin: InstalledPlugin, decision: Decision): readonly Grant[] {
    const at = this.#ports.clock.now();
    const { by, reason = null, until = null } = decision;
    const grants = this.#askedFor(plugin, decision).map((asked): Grant => {
      const place = this.#place(plugin, asked, narrowed(asked, decision), decision);
      return { status: 'granted', ...place, at, by, reason, until };
    });
    return this.#settle('approve', grants);
  }

  deny(plugin: InstalledPlugin, decision: Decision): readonly Grant[] {
    const { book, clock } = this.#ports;
    const at = clock.now();
    const { by, reason = null } = decision;
    const grants = this.#askedFor(plugin, decision).flatMap((asked): readonly Grant[] => {
      const permission = { ...asked, target: decision.target ?? asked.target };
      const place = this.#place(plugin, asked, permission, decision);
      const parts = book
        .about(plugin, asked.capability)
        .filter((it) => it.id !== place.id && it.status === 'granted' && isMeant(it, decision))
        .filter((it) => covers(permission, it.permission));
      return [
        { status: 'denied', ...place, at, by, reason },
        ...parts.map((it): Grant => ({ ...it, status: 'revoked', at, by, reason })),
      ];
    });
    return this.#settle('deny', grants);
  }

  revoke(decision: Decision): readonly Grant[] {
    const { plugin, capability, target, by, reason = null } = decision;
    const at = this.#ports.clock.now();
    const held = this.#ports.book.list().filter((it) => {
      if (it.status !== 'granted' || it.plugin !== plugin || !isMeant(it, decision)) return false;
      if (capability !== undefined && it.permission.capability !== capability) return false;
      return target === undefined || covers({ ...it.permission, target }, it.permission);
    });
    if (held.length === 0) {
      const grant = [plugin, capability, target].filter((it) => it !== undefined).join(' ');
      throw new HubError('GRANT_NOT_FOUND', { grant });
    }
    const revoked = held.map((it): Grant => ({ ...it, status: 'revoked', at, by, reason }));
    return this.#settle('revoke', revoked);
  }

  /** The permissions of the manifest a decision speaks of. */
  #askedFor({ manifest }: InstalledPlugin, decision: Decision): readonly Permission[] {
    const { capability, target } = decision;
    const asked = manifest.permissions.filter(
      (it) =>
        (capability === undefined || it.capability === capability) &&
        (target === undefined || covers(it, { capability: it.capability, target })),
    );
    const named = capability !== undefined || target !== undefined;
    if (named && asked.length === 0) {
      throw new HubError('HUB_REQUEST_INVALID', {
        field: 'capability',
        value: [capability ?? '*', target ?? '*'].join(':'),
        cure: `${manifest.id} does not ask for it; decide what its manifest asks for, or less.`,
      });
    }
    return asked;
  }

  /** Where a decision is kept: the record of that very target and workspace, else the undecided one it answers, else a new one. */
  #place(
    plugin: InstalledPlugin,
    asked: Permission,
    permission: Permission,
    { workspace = null }: { readonly workspace?: string | null },
  ) {
    const known = this.#ports.book.about(plugin, asked.capability);
    const own = known.filter((it) => it.workspace === workspace);
    const same =
      own.find((it) => it.permission.target === permission.target) ??
      own.find((it) => it.permission.target === asked.target && it.status !== 'granted') ??
      known.find((it) => it.permission.target === asked.target && it.status === 'requested');
    const id = same?.id ?? this.#ports.ids.next();
    return { id, plugin: plugin.manifest.id, publisher: plugin.publisher, permission, workspace };
  }

  #settle(act: Act, grants: readonly Grant[]): readonly Grant[] {
    for (const grant of grants) this.#store(act, grant);
    const [first] = grants;
    if (first !== undefined) for (const listener of this.#listeners) listener(first.plugin);
    return grants;
  }

  #store(operation: Act, grant: Grant): void {
    const { audit, book, events, onTaken } = this.#ports;
    const { plugin, permission, workspace, status, at } = grant;
    try {
      book.put(grant);
    } finally {
      onTaken(plugin);
    }
    const need = capabilityText(permission);
    const about = { at, plugin, need, operation, run: null, node: null };
    if (status === 'requested') {
      audit.append({ ...about, decision: status, by: null });
      events.emit({ type: 'permission.requested', at, grant: grant.id, plugin, permission });
      return;
    }
    const { by, reason } = grant;
    audit.append({ ...about, decision: DECISIONS[status], by, workspace, reason });
    const { capability } = permission;
    const fields = { at, grant: grant.id, plugin, capability, by, workspace, reason };
    events.emit({ type: `permission.${status}`, ...fields });
  }
}

function narrowed(asked: Permission, { target, ratePerSecond }: Decision): Permission {
  const most = asked.ratePerSecond ?? Number.POSITIVE_INFINITY;
  if (ratePerSecond !== undefined && ratePerSecond > most) {
    throw new HubError('HUB_REQUEST_INVALID', {
      field: 'ratePerSecond',
      value: String(ratePerSecond),
      cure: `The plugin asks for ${String(most)} a second; grant that or less.`,
    });
  }
  const rate = ratePerSecond === undefined ? {} : { ratePerSecond };
  return { ...asked, target: target ?? asked.target, ...rate };
}

const isMeant = (grant: Grant, { workspace }: Decision): boolean =>
  workspace === undefined || grant.workspace === workspace;
