import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '@runtime-hub/kernel';
import {
  entriesFor,
  keyringFrom,
  signersOf,
  type Keyrings,
  type LoggedEvent,
  type PolicyNamespace,
  type PolicyRegistry,
  type TrustedKey,
} from '@runtime-hub/plugin-sdk/artifact';
import { HubError, type KeyringEntry, type PluginId } from '@runtime-hub/plugin-sdk/contract';
import {
  RegistryClient,
  concealedName,
  identify,
  folderMemory,
  type Memory,
} from '@runtime-hub/registry/client';
import type { PolicyFile } from './policy-file.ts';

const HOUR_MS = 3_600_000;
const DEFAULT_MAX_AGE_HOURS = 168;

export interface RegistriesPorts {
  readonly folder: string;
  readonly clock: Clock;
  readonly policy: PolicyFile;
}

/** What was read of one registry's log. */
interface Known {
  readonly client: RegistryClient;
  readonly registry: PolicyRegistry;
  events: readonly LoggedEvent[];
  keyring: readonly KeyringEntry[];
  /** By namespace, where it is not the namespace itself. */
  names: ReadonlyMap<string, string>;
}

type Listener = (origin: string, events: readonly LoggedEvent[]) => Promise<void>;

export interface NewRegistry {
  readonly url: string;
  /** SHA-256 of its TUF root, as whoever runs it gave it. */
  readonly fingerprint?: string;
  /** What may come from it: an id, `namespace/*`, or all. */
  readonly namespaces: readonly string[];
  readonly exclusive: boolean;
}

/** The registries of the trust policy. Without any, nothing is ever asked. */
export class Registries implements Disposable {
  readonly #ports: RegistriesPorts;
  readonly #memory: Memory;
  readonly #known = new Map<string, Known>();
  readonly #listeners = new Set<Listener>();

  constructor(ports: RegistriesPorts) {
    this.#ports = ports;
    this.#memory = folderMemory(join(ports.folder, 'registries'));
  }

  /** Opens what is remembered of each; asks none. */
  static async open(ports: RegistriesPorts): Promise<Registries> {
    const opened = new Registries(ports);
    for (const registry of ports.policy.policy.registries ?? []) await opened.#open(registry);
    return opened;
  }

  /** Keys that the logs hold, for the verification at install and at each start: from memory, also while offline. */
  readonly keyrings: Keyrings = (origin, namespace): ReadonlyMap<string, TrustedKey> => {
    const known = this.#known.get(origin);
    if (known === undefined) return new Map();
    return signersOf(known.keyring, known.names.get(namespace) ?? namespace);
  };

  /** The first key of the line that a key belongs to: rotation keeps the publisher, a recovery begins another. */
  readonly lineOf = (origin: string, plugin: PluginId, hint: string): string => {
    const known = this.#known.get(origin);
    const namespace = namespaceOf(plugin);
    const name = known?.names.get(namespace) ?? namespace;
    const own = known?.keyring.filter((it) => it.namespace === name) ?? [];
    const key = own.find((it) => it.hint === hint);
    return own.find((it) => it.addedAtLogIndex === key?.lineage)?.hint ?? hint;
  };

  all(): readonly RegistryClient[] {
    return [...this.#known.values()].map(({ client }) => client);
  }

  list(): readonly PolicyRegistry[] {
    return [...this.#known.values()].map(({ registry }) => registry);
  }

  /** Throws REGISTRY_UNKNOWN. */
  get(origin: string): RegistryClient {
    const known = this.#known.get(origin);
    if (known === undefined) throw new HubError('REGISTRY_UNKNOWN', { registry: origin });
    return known.client;
  }

  /** The registries a plugin may come from, as the policy orders them; of exclusive entries, only theirs. */
  for(plugin: PluginId): readonly RegistryClient[] {
    const { policy } = this.#ports.policy;
    const entries = entriesFor(policy, plugin);
    const exclusive = entries.filter((it) => it.exclusive === true);
    const meant = exclusive.length > 0 ? exclusive : entries;
    const origins = new Set(meant.flatMap((it) => it.origin ?? []));
    return [...origins].flatMap((origin) => this.#known.get(origin)?.client ?? []);
  }

  /** Adds a registry as it shows itself now, or as the fingerprint says it must. Throws REGISTRY_IDENTITY_MISMATCH, REGISTRY_UNREACHABLE. */
  async add({ url, fingerprint, namespaces, exclusive }: NewRegistry): Promise<PolicyRegistry> {
    const root = url.replace(/\/+$/u, '');
    const folder = join(this.#ports.folder, 'registries', 'roots');
    const found = await identify({ url: root, folder, fingerprint: fingerprint ?? null });
    const { origin, logKey, tufRootSha256 } = found;
    const known = this.#known.get(origin)?.registry;
    const isOther = known !== undefined && known.logKey !== logKey;
    if (isOther)
      throw new HubError('REGISTRY_IDENTITY_MISMATCH', {
        registry: origin,
        detail: `it shows the fingerprint ${tufRootSha256.slice(0, 16)}…`,
      });
    const registry: PolicyRegistry = { ...known, origin, url: root, logKey, tufRootSha256 };
    const entries = namespaces.map((match): PolicyNamespace => {
      const only = exclusive ? { exclusive } : {};
      return { match, origin, keyring: true, ...only };
    });
    this.#ports.policy.change((policy) => ({
      ...policy,
      registries: [...(policy.registries ?? []).filter((it) => it.origin !== origin), registry],
      namespaces: [
        ...policy.namespaces,
        ...entries.filter((it) => !policy.namespaces.some((one) => isSame(one, it))),
      ],
    }));
    await this.#open(registry);
    return registry;
  }

  /** Forgets a registry and what the policy took from it; what it was seen to say stays, so that it can't unsay it. */
  remove(origin: string): void {
    this.get(origin)[Symbol.dispose]();
    this.#known.delete(origin);
    this.#ports.policy.change((policy) => ({
      ...policy,
      registries: (policy.registries ?? []).filter((it) => it.origin !== origin),
      namespaces: policy.namespaces.filter((it) => it.origin !== origin),
    }));
  }

  /** Has `listener` act on everything new of any log before it is remembered as read. */
  onEvents(listener: Listener): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /** Reads a log to its end. Throws LOG_…, REGISTRY_UNREACHABLE. */
  async catchUp(origin: string): Promise<void> {
    const known = this.#known.get(origin);
    if (known === undefined) throw new HubError('REGISTRY_UNKNOWN', { registry: origin });
    await known.client.catchUp(async (fresh) => {
      const events = [...known.events, ...fresh.filter((it) => it.event.event !== 'published')];
      // Keys first: whether what the rest speaks of was rightly signed hangs on them.
      known.keyring = keyringFrom(events, origin);
      known.events = events;
      for (const listener of this.#listeners) await listener(origin, fresh);
    });
  }

  /** Makes sure that the names by which a log speaks of a private namespace are known. */
  async learn(origin: string, plugin: PluginId): Promise<void> {
    const known = this.#known.get(origin);
    if (known === undefined) return;
    await known.client.learnSalt(namespaceOf(plugin));
    known.names = namesFrom(await known.client.salts());
  }

  /** Why a log says that an artifact is revoked; null while it does not. */
  readonly revocationOf = (origin: string, digest: string): string | null => {
    for (const { event } of this.#known.get(origin)?.events ?? []) {
      if (event.event === 'state' && event.to === 'revoked' && event.digest === digest)
        return event.reason;
    }
    return null;
  };

  events(origin: string): readonly LoggedEvent[] {
    return this.#known.get(origin)?.events ?? [];
  }

  /** The name by which a log speaks of something of a namespace: itself, or concealed. */
  async loggedName(origin: string, namespace: string, name: string): Promise<string> {
    const salt = (await this.get(origin).salts())[namespace];
    return salt === undefined ? name : concealedName(salt, name);
  }

  [Symbol.dispose](): void {
    for (const { client } of this.#known.values()) client[Symbol.dispose]();
  }

  async #open(registry: PolicyRegistry): Promise<void> {
    const { folder, clock } = this.#ports;
    const { origin, url, logKey, maxMetadataAgeHours = DEFAULT_MAX_AGE_HOURS } = registry;
    const token = tokenFor(folder, origin);
    this.#known.get(origin)?.client[Symbol.dispose]();
    const client = new RegistryClient({
      ...{ origin, url, logKey, memory: this.#memory },
      now: () => clock.now(),
      maxAgeMs: maxMetadataAgeHours * HOUR_MS,
      ...(token === null ? {} : { token }),
    });
    const events = await client.events();
    const names = namesFrom(await client.salts());
    const keyring = keyringFrom(events, origin);
    this.#known.set(origin, { client, registry, events, keyring, names });
  }
}

export const namespaceOf = (plugin: PluginId): string => plugin.slice(0, plugin.indexOf('/'));

const namesFrom = (salts: Readonly<Record<string, string>>): ReadonlyMap<string, string> =>
  new Map(Object.entries(salts).map(([name, salt]) => [name, concealedName(salt, name)]));

const isSame = (one: PolicyNamespace, other: PolicyNamespace): boolean =>
  one.match === other.match && one.origin === other.origin;

/** What a registry wants to see from readers of private namespaces: `registries/<origin>/token`, for its owner only. */
function tokenFor(folder: string, origin: string): string | null {
  const file = join(folder, 'registries', origin.replace(':', '_'), 'token');
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : null;
}
