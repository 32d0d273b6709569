import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { EventSink, InstalledPlugin, PluginSource } from '@runtime-hub/kernel';
import { admit, type Release, type TrustPolicy } from '@runtime-hub/plugin-sdk/artifact';
import {
  HubError,
  pluginId,
  reportOf,
  type ErrorReport,
  type PluginId,
} from '@runtime-hub/plugin-sdk/contract';
import {
  checkUnpacked,
  clearStaging,
  readRelease,
  removePlugin,
  writePlugin,
} from './plugin-files.ts';

export interface RefusedPlugin {
  readonly id: PluginId;
  readonly error: ErrorReport;
}

/** Installed plugins on disk. Only what was verified in this life of the hub can be got; the rest is in `refused`. */
export interface PluginStore extends PluginSource {
  readonly policy: TrustPolicy;
  /** Verifies, then puts it in place in one step; throws why not, and then nothing has changed. */
  install(release: Release): Promise<InstalledPlugin>;
  remove(id: PluginId): Promise<void>;
  /** Verifies everything on disk again and stops offering what no longer holds. */
  verify(): Promise<readonly RefusedPlugin[]>;
  refused(): readonly RefusedPlugin[];
}

export interface PluginStorePorts {
  readonly folder: string;
  readonly policy: TrustPolicy;
  readonly hubVersion: string;
  readonly events: EventSink;
  readonly now: () => number;
}

/** Opens the store and verifies every plugin in it. */
export async function openPluginStore(ports: PluginStorePorts): Promise<PluginStore> {
  await clearStaging(join(ports.folder, 'plugins'));
  const store = new FolderStore(ports);
  await store.verify();
  return store;
}

class FolderStore implements PluginStore {
  readonly policy: TrustPolicy;
  readonly #ports: PluginStorePorts;
  readonly #home: string;
  readonly #installed = new Map<PluginId, InstalledPlugin>();
  readonly #refused = new Map<PluginId, ErrorReport>();

  constructor(ports: PluginStorePorts) {
    this.policy = ports.policy;
    this.#ports = ports;
    this.#home = join(ports.folder, 'plugins');
  }

  get(id: PluginId): InstalledPlugin | null {
    return this.#installed.get(id) ?? null;
  }

  list(): readonly InstalledPlugin[] {
    return [...this.#installed.values()];
  }

  refused(): readonly RefusedPlugin[] {
    return [...this.#refused].map(([id, error]) => ({ id, error }));
  }

  async verify(): Promise<readonly RefusedPlugin[]> {
    for (const id of idsIn(this.#home)) await this.#load(id);
    return this.refused();
  }

  async install(release: Release): Promise<InstalledPlugin> {
    const { events, now, hubVersion } = this.#ports;
    const verified = admit(release, this.policy, hubVersion);
    const { manifest, digest, publisher } = verified;
    const folder = await writePlugin(this.#home, release, verified);
    const plugin = { manifest, digest, publisher, folder: join(folder, 'files') };
    const { id, version } = manifest;
    this.#installed.set(id, plugin);
    this.#refused.delete(id);
    events.emit({ type: 'plugin.installed', at: now(), plugin: id, version });
    return plugin;
  }

  async remove(id: PluginId): Promise<void> {
    const { events, now } = this.#ports;
    if (!this.#installed.has(id) && !this.#refused.has(id))
      throw new HubError('PLUGIN_NOT_INSTALLED', { plugin: id });
    this.#installed.delete(id);
    this.#refused.delete(id);
    await removePlugin(this.#home, id);
    events.emit({ type: 'plugin.removed', at: now(), plugin: id });
  }

  async #load(id: PluginId): Promise<void> {
    const { events, now, hubVersion } = this.#ports;
    const folder = join(this.#home, id);
    try {
      const verified = admit(await readRelease(folder), this.policy, hubVersion);
      const detail = 'it is another plugin';
      if (verified.manifest.id !== id)
        throw new HubError('ARTIFACT_MANIFEST_MISMATCH', { plugin: id, detail });
      checkUnpacked(folder, verified);
      const { manifest, digest, publisher } = verified;
      this.#installed.set(id, { manifest, digest, publisher, folder: join(folder, 'files') });
      this.#refused.delete(id);
    } catch (error) {
      this.#installed.delete(id);
      this.#refused.set(id, reportOf(error));
      events.emit({ type: 'plugin.refused', at: now(), plugin: id, error: reportOf(error) });
    }
  }
}

function idsIn(home: string): PluginId[] {
  const folders = (path: string): string[] => (existsSync(path) ? readdirSync(path) : []);
  return folders(home)
    .filter((namespace) => !namespace.startsWith('.'))
    .flatMap((namespace) =>
      folders(join(home, namespace)).map((name) => pluginId(`${namespace}/${name}`)),
    );
}
