import { HubError, type PluginId, type VersionRecord } from '@runtime-hub/plugin-sdk/contract';
import type { RegistryClient } from '@runtime-hub/registry/client';
import semver from 'semver';
import type { Registries } from './registries.ts';

/** A version that a registry offers. */
export interface Offer {
  readonly client: RegistryClient;
  readonly version: VersionRecord;
}

/** The newest version in a range that may be newly installed, of the first registry that has the plugin. Throws PLUGIN_VERSION_NOT_FOUND, REGISTRY_NOT_FOUND. */
export async function findVersion(
  registries: Registries,
  id: PluginId,
  range: string,
): Promise<Offer> {
  const { client, versions } = await offersOf(registries, id);
  const names = versions.map((it) => it.version);
  const wanted = semver.maxSatisfying(names, range);
  const version = versions.find((it) => it.version === wanted);
  if (version === undefined)
    throw new HubError('PLUGIN_VERSION_NOT_FOUND', { plugin: id, wanted: range });
  return { client, version };
}

/**
 * What may be newly installed of a plugin. A registry that cannot be asked is not passed over: the next one might offer
 * somebody else's plugin of the same name.
 */
export async function offersOf(
  registries: Registries,
  id: PluginId,
): Promise<{ readonly client: RegistryClient; readonly versions: readonly VersionRecord[] }> {
  for (const client of registries.for(id)) {
    const record = await client.plugin(id).catch((error: unknown) => {
      if (HubError.is(error, 'REGISTRY_NOT_FOUND')) return null;
      throw error;
    });
    if (record === null) continue;
    const versions = record.versions.filter(({ state }) => INSTALLABLE.has(state));
    return { client, versions };
  }
  throw new HubError('REGISTRY_NOT_FOUND', { what: `plugin ${id}` });
}

const INSTALLABLE: ReadonlySet<string> = new Set(['active', 'deprecated']);
