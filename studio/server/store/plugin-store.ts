import { join } from 'node:path';
import type { EventSink, PluginSource } from '@runtime-hub/kernel';
import type {
  Keyrings,
  Release,
  TrustPolicy,
  VerifiedRelease,
} from '@runtime-hub/plugin-sdk/artifact';
import {
  HubError,
  reportOf,
  type ErrorReport,
  type PluginId,
} from '@runtime-hub/plugin-sdk/contract';
import semver from 'semver';
import { clearLeftovers, moveOldPlugins, removeVersion, storedDigests } from './plugin-files.ts';
import {
  PluginRecords,
  revokedError,
  type PluginRecord,
  type RevokedVersion,
} from './plugin-records.ts';
import { StoredVersions, type StoredVersion, type VersionPorts } from './stored-versions.ts';

export interface RefusedPlugin {
  readonly id: PluginId;
  readonly error: ErrorReport;
}

/** Installed plugins on disk, several versions of each. Only what was verified in this life of the hub can be got; the rest is in `refused`. */
export interface PluginStore extends PluginSource {
  readonly policy: TrustPolicy;
  get(id: PluginId, version?: string): StoredVersion | null;
  list(): readonly StoredVersion[];
  /** Every plugin of which something is stored. */
  ids(): readonly PluginId[];
  versions(id: PluginId): readonly StoredVersion[];
  record(id: PluginId): PluginRecord;
  revocationOf(digest: string): RevokedVersion | null;
  /** Verifies a release as it would be when it is installed; throws why not, changes nothing. */
  check(release: Release): VerifiedRelease;
  /** Who is behind a verified release, as grants name them. */
  publisherOf(release: VerifiedRelease): string;
  /** Verifies, stores and makes it current; throws why not, and then nothing has changed. */
  install(release: Release): Promise<StoredVersion>;
  /** Verifies and stores it, to wait for `activate`. */
  hold(release: Release): Promise<StoredVersion>;
  /** Has a stored version wait for `activate`. */
  wait(id: PluginId, digest: string): void;
  /** Makes a stored version current. Throws PLUGIN_VERSION_NOT_FOUND or PLUGIN_REVOKED. */
  activate(id: PluginId, digest: string): StoredVersion;
  /** Makes what was current before current again. Throws PLUGIN_VERSION_NOT_FOUND. */
  rollback(id: PluginId): StoredVersion;
  /** Shows a developer's own plugin instead of what is installed, until the hub stops. */
  show(plugin: StoredVersion): void;
  /** Throws PLUGIN_NOT_INSTALLED. */
  pin(id: PluginId, pinned: boolean): void;
  /** One version, or all of them. Throws PLUGIN_NOT_INSTALLED. */
  remove(id: PluginId, version?: string): Promise<void>;
  /** Takes a version away for good; false when that was known. */
  revoke(digest: string, revoked: RevokedVersion): boolean;
  /** Verifies everything on disk again and stops offering what no longer holds. */
  verify(): Promise<readonly RefusedPlugin[]>;
  refused(): readonly RefusedPlugin[];
  /** Goes by another policy from now on; what is loaded stays until the next `verify`. */
  follow(policy: TrustPolicy): void;
}

export interface PluginStorePorts {
  readonly folder: string;
  readonly policy: TrustPolicy;
  readonly hubVersion: string;
  readonly events: EventSink;
  readonly now: () => number;
  readonly keyrings?: Keyrings;
  readonly lineOf?: VersionPorts['lineOf'];
  readonly revocationOf?: VersionPorts['revocationOf'];
}

const KEPT_PREVIOUS = 8;

/** Opens the store and verifies every version in it. */
export async function openPluginStore(ports: PluginStorePorts): Promise<PluginStore> {
  const home = join(ports.folder, 'plugins');
  const records = new PluginRecords(home);
  const store = new FolderStore(ports, home, records);
  await moveOldPlugins(home);
  if (records.isNew) await store.adopt(storedDigests(home));
  await clearLeftovers(home, records.digests());
  await store.verify();
  return store;
}

class FolderStore implements PluginStore {
  readonly #ports: PluginStorePorts;
  readonly #home: string;
  readonly #records: PluginRecords;
  readonly #versions: StoredVersions;
  readonly #current = new Map<PluginId, StoredVersion>();
  readonly #refused = new Map<PluginId, ErrorReport>();
  #policy: TrustPolicy;

  constructor(ports: PluginStorePorts, home: string, records: PluginRecords) {
    this.#ports = ports;
    this.#home = home;
    this.#records = records;
    this.#policy = ports.policy;
    this.#versions = new StoredVersions({ ...ports, home, records, policy: () => this.#policy });
  }

  get policy(): TrustPolicy {
    return this.#policy;
  }

  follow(policy: TrustPolicy): void {
    this.#policy = policy;
  }

  get(id: PluginId, version?: string): StoredVersion | null {
    const current = this.#current.get(id) ?? null;
    if (version === undefined || current?.manifest.version === version) return current;
    return this.#versions.get(id, version);
  }

  list(): readonly StoredVersion[] {
    return [...this.#current.values()];
  }

  ids(): readonly PluginId[] {
    return this.#records.ids();
  }

  versions(id: PluginId): readonly StoredVersion[] {
    return this.#versions
      .all(id)
      .toSorted((one, other) => semver.rcompare(one.manifest.version, other.manifest.version));
  }

  record(id: PluginId): PluginRecord {
    return this.#records.get(id);
  }

  revocationOf(digest: string): RevokedVersion | null {
    return this.#records.revocationOf(digest);
  }

  refusal(id: PluginId, version?: string): HubError | null {
    const { current, versions } = this.#records.get(id);
    const wanted = versions.find((it) =>
      version === undefined ? it.digest === current : it.version === version,
    );
    const revoked = wanted === undefined ? null : this.#records.revocationOf(wanted.digest);
    return revoked === null ? null : revokedError(revoked);
  }

  refused(): readonly RefusedPlugin[] {
    return [...this.#refused].map(([id, error]) => ({ id, error }));
  }

  check(release: Release): VerifiedRelease {
    return this.#versions.check(release);
  }

  publisherOf(release: VerifiedRelease): string {
    return this.#versions.publisherOf(release);
  }

  async install(release: Release): Promise<StoredVersion> {
    const { manifest, digest } = await this.#versions.write(release);
    return this.activate(manifest.id, digest);
  }

  async hold(release: Release): Promise<StoredVersion> {
    const stored = await this.#versions.write(release);
    this.wait(stored.manifest.id, stored.digest);
    return stored;
  }

  wait(id: PluginId, digest: string): void {
    this.#records.set(id, { held: digest });
  }

  activate(id: PluginId, digest: string): StoredVersion {
    const revoked = this.#records.revocationOf(digest);
    if (revoked !== null) throw revokedError(revoked);
    const next = this.#versions.find(id, digest);
    if (next === null) throw notFound(id, digest.slice(0, 19));
    const { current, previous, held } = this.#records.get(id);
    const before = (current === null ? previous : [current, ...previous]).filter(
      (it) => it !== digest,
    );
    this.#records.set(id, {
      current: digest,
      previous: before.slice(0, KEPT_PREVIOUS),
      held: held === digest ? null : held,
    });
    this.show(next);
    return next;
  }

  rollback(id: PluginId): StoredVersion {
    const { current, previous } = this.#records.get(id);
    const last = previous.find((digest) => this.#versions.find(id, digest) !== null);
    if (last === undefined) throw notFound(id, 'the one before');
    const back = this.activate(id, last);
    // What was left is not what one goes back to next.
    const rest = this.#records.get(id).previous.filter((it) => it !== current);
    this.#records.set(id, { previous: rest });
    return back;
  }

  pin(id: PluginId, pinned: boolean): void {
    if (this.#records.get(id).versions.length === 0)
      throw new HubError('PLUGIN_NOT_INSTALLED', { plugin: id });
    this.#records.set(id, { pinned });
  }

  async remove(id: PluginId, version?: string): Promise<void> {
    const { versions, current, previous, held } = this.#records.get(id);
    const gone = versions.filter((it) => version === undefined || it.version === version);
    if (gone.length === 0 && (version !== undefined || !this.#current.has(id)))
      throw new HubError('PLUGIN_NOT_INSTALLED', { plugin: id });
    const stays = (digest: string | null): boolean => !gone.some((it) => it.digest === digest);
    for (const it of gone) this.#versions.forget(id, it.version);
    if (version === undefined || !stays(current)) this.#current.delete(id);
    if (!this.#current.has(id)) this.#refused.delete(id);
    this.#records.set(id, {
      versions: versions.filter((it) => stays(it.digest)),
      current: stays(current) ? current : null,
      previous: previous.filter(stays),
      held: stays(held) ? held : null,
    });
    for (const { digest } of gone) await removeVersion(this.#home, digest);
    const { events, now } = this.#ports;
    if (!this.#current.has(id)) events.emit({ type: 'plugin.removed', at: now(), plugin: id });
  }

  revoke(digest: string, revoked: RevokedVersion): boolean {
    if (this.#records.revocationOf(digest) !== null) return false;
    this.#records.revoke(digest, revoked);
    const { plugin, version } = revoked;
    if (this.#versions.get(plugin, version)?.digest === digest)
      this.#versions.forget(plugin, version);
    if (this.#current.get(plugin)?.digest === digest) {
      this.#current.delete(plugin);
      this.#refused.set(plugin, reportOf(revokedError(revoked)));
    }
    return true;
  }

  async verify(): Promise<readonly RefusedPlugin[]> {
    this.#refused.clear();
    for (const id of this.#records.ids()) await this.#load(id);
    return this.refused();
  }

  /** Takes over versions that no record names, as an older hub left them; of each plugin the newest is current. */
  async adopt(digests: readonly string[]): Promise<void> {
    for (const digest of digests) {
      const stored = await this.#versions.read(digest).catch((error: unknown) => reportOf(error));
      if ('code' in stored) continue;
      const { id, version } = stored.manifest;
      const { versions, current } = this.#records.get(id);
      const newest = versions.every((it) => semver.gt(version, it.version));
      const all = [{ digest, version }, ...versions];
      this.#records.set(id, { versions: all, current: newest ? digest : current });
    }
  }

  async #load(id: PluginId): Promise<void> {
    const { current, versions } = this.#records.get(id);
    const isShown = this.#current.get(id)?.unsigned === true;
    this.#versions.forget(id);
    if (!isShown) this.#current.delete(id);
    for (const { digest } of versions) {
      try {
        const stored = await this.#versions.read(digest, id);
        if (digest === current && !isShown) this.#current.set(id, stored);
      } catch (error) {
        const { events, now } = this.#ports;
        this.#refused.set(id, reportOf(error));
        events.emit({ type: 'plugin.refused', at: now(), plugin: id, error: reportOf(error) });
      }
    }
  }

  show(plugin: StoredVersion): void {
    const { events, now } = this.#ports;
    const { id, version } = plugin.manifest;
    this.#current.set(id, plugin);
    this.#refused.delete(id);
    const badge = plugin.unsigned ? { unsigned: true as const } : {};
    events.emit({ type: 'plugin.installed', at: now(), plugin: id, version, ...badge });
  }
}

const notFound = (plugin: PluginId, wanted: string): HubError =>
  new HubError('PLUGIN_VERSION_NOT_FOUND', { plugin, wanted });
