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
import { checkUnpacked, readRelease, removePlugin, writePlugin } from './plugin-files.ts';

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
  const { policy, hubVersion, events, now } = ports;
  const home = join(ports.folder, 'plugins');
  const installed = new Map<PluginId, InstalledPlugin>();
  const refused = new Map<PluginId, ErrorReport>();

  const load = async (id: PluginId): Promise<void> => {
    const folder = join(home, id);
    try {
      const verified = admit(await readRelease(folder), policy, hubVersion);
      if (verified.manifest.id !== id)
        throw new HubError('ARTIFACT_MANIFEST_MISMATCH', {
          plugin: id,
          detail: 'it is another plugin',
        });
      checkUnpacked(folder, verified);
      const { manifest, digest, publisher } = verified;
      installed.set(id, { manifest, digest, publisher, folder: join(folder, 'files') });
      refused.delete(id);
    } catch (error) {
      installed.delete(id);
      refused.set(id, reportOf(error));
      events.emit({ type: 'plugin.refused', at: now(), plugin: id, error: reportOf(error) });
    }
  };

  const loadAll = async (): Promise<readonly RefusedPlugin[]> => {
    for (const id of idsIn(home)) await load(id);
    return [...refused].map(([id, error]) => ({ id, error }));
  };

  await loadAll();
  return {
    policy,
    get: (id) => installed.get(id) ?? null,
    list: () => [...installed.values()],
    refused: () => [...refused].map(([id, error]) => ({ id, error })),
    verify: loadAll,
    async install(release) {
      const verified = admit(release, policy, hubVersion);
      const { manifest, digest, publisher } = verified;
      const folder = await writePlugin(home, release, verified);
      const plugin = { manifest, digest, publisher, folder: join(folder, 'files') };
      installed.set(manifest.id, plugin);
      refused.delete(manifest.id);
      events.emit({
        type: 'plugin.installed',
        at: now(),
        plugin: manifest.id,
        version: manifest.version,
      });
      return plugin;
    },
    async remove(id) {
      if (!installed.has(id) && !refused.has(id))
        throw new HubError('PLUGIN_NOT_INSTALLED', { plugin: id });
      installed.delete(id);
      refused.delete(id);
      await removePlugin(home, id);
      events.emit({ type: 'plugin.removed', at: now(), plugin: id });
    },
  };
}

function idsIn(home: string): PluginId[] {
  const folders = (path: string): string[] => (existsSync(path) ? readdirSync(path) : []);
  return folders(home)
    .filter((namespace) => !namespace.startsWith('.'))
    .flatMap((namespace) =>
      folders(join(home, namespace)).map((name) => pluginId(`${namespace}/${name}`)),
    );
}
