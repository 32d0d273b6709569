import type { Broker, Clock, EventSink } from '@runtime-hub/kernel';
import { checkAge, type Release, type VerifiedRelease } from '@runtime-hub/plugin-sdk/artifact';
import {
  HubError,
  PLUGIN_ID_PATTERN,
  pluginId,
  type PermissionDiff,
  type PluginId,
} from '@runtime-hub/plugin-sdk/contract';
import semver from 'semver';
import { findRelease, isNamedHere } from '../built-in.ts';
import type { PluginStore } from '../store/plugin-store.ts';
import type { StoredVersion } from '../store/stored-versions.ts';
import { findVersion, offersOf, type Offer } from './find-version.ts';
import type { Registries } from './registries.ts';
import { requireVouchers } from './vouchers.ts';
import { decideUpdate, isAutomatic, type HoldReason } from './update-decision.ts';

export interface InstallerPorts {
  readonly folder: string;
  readonly plugins: PluginStore;
  readonly registries: Registries;
  readonly broker: Broker;
  readonly events: EventSink;
  readonly clock: Clock;
}

type Decision = Parameters<Broker['approve']>[0];

/** What became of an install or update. */
export interface Outcome {
  readonly status: 'installed' | 'held' | 'unchanged';
  readonly plugin: StoredVersion;
  /** The version that ran before, and still does when the new one is held. */
  readonly before: string | null;
  readonly reasons: readonly HoldReason[];
  readonly diff: PermissionDiff;
}

/** Brings plugins onto this hub and moves them from version to version. */
export class Installer {
  readonly #ports: InstallerPorts;

  constructor(ports: InstallerPorts) {
    this.#ports = ports;
  }

  /**
   * Installs what `source` names: an artifact file, a built-in plugin, or `namespace/name[@range]` of a registry. A version
   * that may do more than the one before, or comes from somebody else, is held instead, unless a person approves.
   */
  async install(source: string, { approve = false } = {}): Promise<Outcome> {
    const named = isNamedHere(source) ? null : parseName(source);
    if (named === null || this.#ports.registries.for(named.id).length === 0)
      return await this.#take(await findRelease(this.#ports.folder, source), approve);
    const offer = await findVersion(this.#ports.registries, named.id, named.range);
    return await this.#take(await this.fetch(offer), approve);
  }

  /** Takes the newest version that a plugin's registry offers, or the newest in `range`; never an older one. */
  async update(
    id: PluginId,
    { approve = false, range = '*' }: { readonly approve?: boolean; readonly range?: string } = {},
  ): Promise<Outcome> {
    const current = this.#installed(id);
    const offer = await this.#newer(id, range);
    if (offer !== null) return await this.#take(await this.fetch(offer), approve);
    const held = approve ? this.applyHeld(id) : null;
    const { diff } = decideUpdate(current, held ?? current, { pinned: false });
    const status = held === null ? 'unchanged' : 'installed';
    const before = current.manifest.version;
    return { status, plugin: held ?? current, before, reasons: [], diff };
  }

  /** Takes those updates that the policy takes unasked; what fails is left for the next time. */
  async updateUnasked(): Promise<void> {
    const { plugins, registries } = this.#ports;
    if ((plugins.policy.updates?.auto ?? 'none') === 'none') return;
    for (const { manifest } of plugins.list()) {
      const { id, version } = manifest;
      if (plugins.record(id).pinned || registries.for(id).length === 0) continue;
      const offer = await this.#newer(id, '*').catch(() => null);
      if (offer === null || !isAutomatic(plugins.policy, version, offer.version.version)) continue;
      if (plugins.record(id).held === offer.version.digest) continue;
      await this.fetch(offer)
        .then(async (release) => await this.#take(release, false))
        .catch(() => null);
    }
  }

  /** Makes the version current that waits for a person; null when none does. */
  applyHeld(id: PluginId): StoredVersion | null {
    const { plugins, broker } = this.#ports;
    const { held } = plugins.record(id);
    if (held === null) return null;
    const applied = plugins.activate(id, held);
    broker.request(id);
    return applied;
  }

  /**
   * Does what a person decided. When that is about what the waiting version asks for, this version is applied first; when
   * the decision turns out to be none, it waits on.
   */
  deciding<T>(
    { plugin: id, capability }: Pick<Decision, 'plugin' | 'capability'>,
    act: () => T,
  ): T {
    const { plugins } = this.#ports;
    const { held } = plugins.record(id);
    const waiting = plugins.versions(id).find((it) => it.digest === held);
    const before = plugins.get(id);
    if (waiting === undefined || held === null) return act();
    const { diff } = decideUpdate(before, waiting, { pinned: false });
    const asked = [...diff.added, ...diff.widened].flatMap((it) => it.after);
    if (capability !== undefined && !asked.some((it) => it.capability === capability)) return act();
    this.applyHeld(id);
    try {
      return act();
    } catch (error) {
      if (before !== null) plugins.activate(id, before.digest);
      plugins.wait(id, held);
      throw error;
    }
  }

  rollback(id: PluginId): StoredVersion {
    const back = this.#ports.plugins.rollback(id);
    this.#ports.broker.request(id);
    return back;
  }

  /** The bytes of an offer, checked against the log and against what the policy wants of a new release. */
  async fetch({ client, version }: Offer): Promise<Release> {
    const { plugins, registries, clock } = this.#ports;
    await registries.learn(client.origin, version.id);
    await registries.catchUp(client.origin);
    const release = await client.release(version);
    const verified = plugins.check(release);
    requireOffered(verified, version.id, version.version);
    checkAge(plugins.policy, verified, clock.now());
    await requireVouchers(plugins.policy, verified, client);
    return release;
  }

  async #take(release: Release, approve: boolean): Promise<Outcome> {
    const { plugins, events, clock } = this.#ports;
    const verified = plugins.check(release);
    const { id, version } = verified.manifest;
    const installed = plugins.get(id);
    const before = installed?.unsigned === true ? null : installed;
    const { pinned } = plugins.record(id);
    const after = { manifest: verified.manifest, publisher: plugins.publisherOf(verified) };
    const { reasons, diff } = decideUpdate(before, after, {
      pinned: pinned && before?.digest !== verified.digest,
    });
    const about = { before: before?.manifest.version ?? null, diff };
    if (reasons.length > 0 && !approve) {
      const plugin = await plugins.hold(release);
      events.emit({
        type: 'plugin.held',
        at: clock.now(),
        plugin: id,
        version,
        reasons: [...reasons],
      });
      return { status: 'held', plugin, reasons, ...about };
    }
    const status = before?.digest === verified.digest ? 'unchanged' : 'installed';
    const plugin = await plugins.install(release);
    this.#ports.broker.request(id);
    return { status, plugin, reasons: [], ...about };
  }

  async #newer(id: PluginId, range: string): Promise<Offer | null> {
    const { registries } = this.#ports;
    const { manifest } = this.#installed(id);
    const { client, versions } = await offersOf(registries, id);
    const newer = versions.filter(
      (it) => semver.gt(it.version, manifest.version) && semver.satisfies(it.version, range),
    );
    const [version] = newer.toSorted((one, other) => semver.rcompare(one.version, other.version));
    return version === undefined ? null : { client, version };
  }

  #installed(id: PluginId): StoredVersion {
    const { plugins } = this.#ports;
    const current = plugins.get(id);
    if (current !== null) return current;
    throw plugins.refusal?.(id) ?? new HubError('PLUGIN_NOT_INSTALLED', { plugin: id });
  }
}

/** `namespace/name[@range]`; null for anything else. Throws HUB_REQUEST_INVALID for what is no range. */
export function parseName(text: string): { readonly id: PluginId; readonly range: string } | null {
  const [name = '', range = '*', ...rest] = text.split('@');
  if (rest.length > 0 || !new RegExp(PLUGIN_ID_PATTERN, 'u').test(name)) return null;
  if (semver.validRange(range) !== null) return { id: pluginId(name), range };
  throw new HubError('HUB_REQUEST_INVALID', {
    field: 'version',
    value: range,
    cure: 'Give a version or a semver range, e.g. acme/ocr@1.2.0 or acme/ocr@^1.2.',
  });
}

function requireOffered({ manifest }: VerifiedRelease, id: PluginId, version: string): void {
  if (manifest.id === id && manifest.version === version) return;
  const detail = `it is ${manifest.id} ${manifest.version}`;
  throw new HubError('ARTIFACT_MANIFEST_MISMATCH', { plugin: id, detail });
}
