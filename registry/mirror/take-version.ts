import {
  signersOf,
  verifyRelease,
  type ReleaseTrust,
  type VerifiedRelease,
} from '@runtime-hub/plugin-sdk/artifact';
import {
  HubError,
  pluginId,
  type KeyringEntry,
  type PluginId,
  type VersionRecord,
} from '@runtime-hub/plugin-sdk/contract';
import type { RegistryClient } from '../client/index.ts';
import type { Published } from './notes.ts';
import { attestationsPath, blobPath, bundlePath, namespaceOf } from './paths.ts';
import type { Tree } from './tree.ts';

/** A publication in the origin's log that this mirror may take. */
export interface Offered {
  readonly id: PluginId;
  readonly index: number;
  readonly event: Published;
}

export interface TakeFrom {
  readonly client: RegistryClient;
  readonly tree: Tree;
  readonly logKey: string;
  readonly keyring: readonly KeyringEntry[];
}

/**
 * Fetches a version, verifies its publisher's signature and the origin's receipt as a hub would, and keeps the bytes of
 * both as they are. Throws what `verifyRelease` throws, LOG_LEAF_MISMATCH, LOG_…, REGISTRY_….
 */
export async function takeVersion(
  from: TakeFrom,
  offered: Offered,
): Promise<Omit<VersionRecord, 'state' | 'reason'>> {
  const { client, tree } = from;
  const { id, index, event } = offered;
  const { version, digest } = event;
  const release = await client.release({ id, version, digest });
  const verified = verifyRelease(release.artifact, release.bundle, trustFor(from));
  requireSame(verified, offered);
  await tree.write(blobPath(digest), release.artifact);
  await tree.write(bundlePath(id, version), release.bundle);
  const { manifest, publisher } = verified;
  const bytes = release.artifact.length;
  return {
    id,
    version,
    digest,
    bytes,
    publisher,
    publishedAt: event.at,
    logIndex: index,
    manifest,
  };
}

/** What others vouch for at the origin, followed by what is vouched for here; hubs decide whom of these they believe. */
export async function takeAttestations(
  { client, tree }: Pick<TakeFrom, 'client' | 'tree'>,
  { id, version }: { readonly id: string; readonly version: string },
  own: readonly string[],
): Promise<void> {
  const theirs = await client
    .attestations({ id: pluginId(id), version })
    .catch(async (error: unknown) => {
      if (HubError.is(error, 'REGISTRY_NOT_FOUND')) return await attestationsOf(tree, id, version);
      throw error;
    });
  const attestations = [...new Set([...theirs, ...own])];
  await tree.write(attestationsPath(id, version), JSON.stringify({ attestations }));
}

/** Adds words of this registry to those that are there. */
export async function takeAttestationsHere(
  tree: Tree,
  { id, version }: { readonly id: string; readonly version: string },
  own: readonly string[],
): Promise<void> {
  const attestations = [...new Set([...(await attestationsOf(tree, id, version)), ...own])];
  await tree.write(attestationsPath(id, version), JSON.stringify({ attestations }));
}

async function attestationsOf(tree: Tree, id: string, version: string): Promise<readonly string[]> {
  const bytes = await tree.read(attestationsPath(id, version));
  if (bytes === null) return [];
  // SAFETY: `takeAttestations` alone writes it.
  return (JSON.parse(bytes.toString('utf8')) as { readonly attestations: string[] }).attestations;
}

export async function dropVersion(
  tree: Tree,
  { id, version, digest }: Pick<VersionRecord, 'id' | 'version' | 'digest'>,
): Promise<void> {
  await tree.remove(bundlePath(id, version));
  await tree.remove(attestationsPath(id, version));
  await tree.remove(blobPath(digest));
}

function trustFor({ client, logKey, keyring }: TakeFrom): ReleaseTrust {
  return {
    originsFor: (plugin) => [
      { origin: client.origin, logKey, keys: signersOf(keyring, namespaceOf(plugin)) },
    ],
  };
}

/** The bytes must be those that the log announced in that very leaf. */
function requireSame({ manifest, logIndex }: VerifiedRelease, { id, index, event }: Offered): void {
  const { version } = event;
  if (manifest.id === id && manifest.version === version && logIndex === index) return;
  const detail = `leaf ${String(index)} announced something else`;
  throw new HubError('LOG_LEAF_MISMATCH', { plugin: id, detail });
}
