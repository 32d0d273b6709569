import semver from 'semver';
import {
  pluginId,
  type PluginRecord,
  type SearchPage,
  type VersionRecord,
} from '@runtime-hub/plugin-sdk/contract';
import { LIST, recordPath } from './paths.ts';
import type { Tree } from './tree.ts';

/** The versions of a plugin that a mirror has, by version; empty when it has none. */
export async function versionsOf(tree: Tree, id: string): Promise<Map<string, VersionRecord>> {
  const bytes = await tree.read(recordPath(id));
  if (bytes === null) return new Map();
  // SAFETY: `writeRecord` alone writes it.
  const { versions } = JSON.parse(bytes.toString('utf8')) as PluginRecord;
  return new Map(versions.map((it) => [it.version, it]));
}

/** Writes what a mirror says of a plugin; what has no version left disappears. */
export async function writeRecord(
  tree: Tree,
  id: string,
  versions: Iterable<VersionRecord>,
): Promise<void> {
  const sorted = [...versions].toSorted((a, b) => semver.rcompare(a.version, b.version));
  if (sorted.length === 0) return await tree.remove(recordPath(id));
  const latest = latestOf(sorted)?.version ?? null;
  const record: PluginRecord = { id: pluginId(id), latest, downloads: 0, versions: sorted };
  await tree.write(recordPath(id), JSON.stringify(record));
}

/** Brings the list that searches read up to date with the records of these plugins. */
export async function relist(tree: Tree, ids: ReadonlySet<string>): Promise<void> {
  const bytes = await tree.read(LIST);
  if (bytes !== null && ids.size === 0) return;
  // SAFETY: this function alone writes it.
  const known = bytes === null ? [] : (JSON.parse(bytes.toString('utf8')) as SearchPage).items;
  const items = known.filter((it) => !ids.has(it.id));
  for (const id of ids) {
    const latest = latestOf([...(await versionsOf(tree, id)).values()]);
    if (latest !== null) items.push(itemOf(latest));
  }
  const page: SearchPage = {
    items: items.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    next: null,
  };
  await tree.write(LIST, JSON.stringify(page));
}

/** The newest active version; a pre-release only when there is nothing else. */
function latestOf(versions: readonly VersionRecord[]): VersionRecord | null {
  const active = versions
    .filter((it) => it.state === 'active')
    .toSorted((a, b) => semver.rcompare(a.version, b.version));
  return active.find((it) => semver.prerelease(it.version) === null) ?? active[0] ?? null;
}

function itemOf({ manifest, publisher, publishedAt }: VersionRecord): SearchPage['items'][number] {
  const { id, version, title, description, runtime, permissions } = manifest;
  const capabilities = [...new Set(permissions.map((it) => it.capability))];
  const common = { id, version, title, description, runtime, capabilities };
  return { ...common, publisher, publishedAt, downloads: 0 };
}
