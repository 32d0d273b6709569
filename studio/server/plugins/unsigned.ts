import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Broker, HostPool } from '@runtime-hub/kernel';
import {
  checkPermissions,
  mayBeUnsigned,
  parseManifest,
  readArtifact,
  type Artifact,
} from '@runtime-hub/plugin-sdk/artifact';
import { HubError, type Manifest } from '@runtime-hub/plugin-sdk/contract';
import { filesOf, writeVersion } from '../store/plugin-files.ts';
import type { PluginStore } from '../store/plugin-store.ts';
import type { StoredVersion } from '../store/stored-versions.ts';
import { namespaceOf, type Registries } from './registries.ts';

/** Publisher of what nobody signed; no key may go by it. */
const UNSIGNED = 'unsigned';

export interface UnsignedPorts {
  readonly folder: string;
  /** The hub was started with --dev. */
  readonly dev: boolean;
  readonly plugins: PluginStore;
  readonly registries: Registries;
  readonly broker: Broker;
  readonly pool: HostPool;
}

/** Loads a developer's own plugin without a signature, for as long as the hub runs, instead of what ran before. */
export class UnsignedPlugins {
  readonly #ports: UnsignedPorts;
  readonly #home: string;

  constructor(ports: UnsignedPorts) {
    this.#ports = ports;
    this.#home = join(ports.folder, 'plugins', '.unsigned');
  }

  get isAllowed(): boolean {
    return this.#ports.dev;
  }

  /** Removes what an earlier hub left. */
  async clear(): Promise<void> {
    await rm(this.#home, { recursive: true, force: true });
  }

  /** Throws PLUGIN_UNSIGNED_REFUSED, PUBLISHER_DRIVER_REFUSED, POLICY_…, ARTIFACT_… or MANIFEST_INVALID. */
  async load(file: string): Promise<StoredVersion> {
    const { plugins, broker, pool } = this.#ports;
    const bytes = await readFile(file).catch(() => {
      throw new HubError('ARTIFACT_NOT_FOUND', { source: file });
    });
    const artifact = readArtifact(bytes);
    const manifest = manifestOf(artifact);
    this.#check(manifest);
    const release = { artifact: bytes, bundle: '' };
    const folder = filesOf(await writeVersion(this.#home, release, artifact));
    const before = plugins.get(manifest.id);
    const from = { origin: UNSIGNED, key: UNSIGNED, logIndex: 0, loggedAt: 0, unsigned: true };
    const { digest } = artifact;
    const plugin = { manifest, digest, publisher: UNSIGNED, folder, ...from };
    plugins.show(plugin);
    broker.request(manifest.id);
    if (before !== null && before.digest !== digest)
      await pool.stop(manifest.id, { digest: before.digest });
    pool.release(manifest.id);
    return plugin;
  }

  #check(manifest: Manifest): void {
    const { dev, plugins, registries } = this.#ports;
    const { id, runtime } = manifest;
    const { policy } = plugins;
    const refuse = (reason: string): HubError =>
      new HubError('PLUGIN_UNSIGNED_REFUSED', { plugin: id, reason });
    if (!dev) throw refuse('the hub was started without --dev');
    const signed = registries
      .list()
      .some(({ origin }) => registries.keyrings(origin, namespaceOf(id)).size > 0);
    if (signed || !mayBeUnsigned(policy, id)) throw refuse('the trust policy has signers for it');
    if (runtime === 'driver')
      throw new HubError('PUBLISHER_DRIVER_REFUSED', { plugin: id, publisher: UNSIGNED });
    checkPermissions(policy, manifest);
  }
}

function manifestOf({ files }: Artifact): Manifest {
  const detail = 'there is no manifest.json that is JSON';
  try {
    const text = Buffer.from(files.get('manifest.json') ?? []).toString('utf8');
    return parseManifest(JSON.parse(text));
  } catch (error) {
    if (error instanceof HubError) throw error;
    throw new HubError('ARTIFACT_MALFORMED', { rule: 'manifest', detail });
  }
}
