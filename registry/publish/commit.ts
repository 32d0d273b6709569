import semver from 'semver';
import { mergeReceipt, publicationLeaf } from '@runtime-hub/plugin-sdk/artifact';
import {
  HubError,
  type Finding,
  type Manifest,
  type PublishReceipt,
} from '@runtime-hub/plugin-sdk/contract';
import { loggedName, type NamespaceParts } from '../namespaces/index.ts';
import type { NamespaceRow, Store, VersionRow } from '../store/index.ts';
import { documentsOf } from './documents.ts';
import type { Examined } from './examine.ts';
import { moveVersion } from './states.ts';

export interface Held {
  readonly reason: string;
  /** When time alone lets it go; null when a person must. */
  readonly until: number | null;
}

/** What was found out about an upload. */
export interface Verdict {
  readonly findings: readonly Finding[];
  readonly held: Held | null;
  readonly bytes: number;
}

/**
 * Makes a version known: leaf, receipt, row, state and listing. Its blob must be durable before. Throws
 * REGISTRY_VERSION_EXISTS. Only inside a transaction.
 */
export function commitVersion(
  parts: NamespaceParts,
  namespace: NamespaceRow,
  examined: Examined,
  verdict: Verdict,
): PublishReceipt {
  const { store, log, clock } = parts;
  const { manifest, digest, files } = examined;
  const { id, version } = manifest;
  if (store.versions.get(id, version) !== null)
    throw new HubError('REGISTRY_VERSION_EXISTS', { plugin: id, version });
  const at = clock.now();
  const logIndex = log.append(leafOf(namespace, examined, at));
  const row = rowOf(namespace, examined, verdict, { at, logIndex });
  const key = store.versions.add(row, mergeReceipt(examined.bundle, log.receipt(logIndex, at)));
  for (const { name, type, content } of documentsOf(files))
    store.documents.add(key, name, type, content);
  const { held, findings } = verdict;
  const state = held === null ? 'active' : 'quarantined';
  const reason = held === null ? 'no rule speaks against it' : held.reason;
  moveVersion(parts, namespace, { ...row, key }, { to: state, actor: 'registry', reason });
  relist(store, id);
  return { id, version, digest, state, logIndex, findings: [...findings] };
}

function leafOf(namespace: NamespaceRow, examined: Examined, at: number): Buffer {
  const { manifest, digest, publisher, bundle, spki } = examined;
  const plugin = loggedName(namespace, manifest.id);
  const { version } = manifest;
  const event = { event: 'published', plugin, version, digest, publisher, at } as const;
  return publicationLeaf(bundle, spki, event);
}

function rowOf(
  namespace: NamespaceRow,
  { manifest, digest, publisher }: Examined,
  { findings, held, bytes }: Verdict,
  { at, logIndex }: { readonly at: number; readonly logIndex: number },
): Omit<VersionRow, 'key'> {
  return {
    plugin: manifest.id,
    version: manifest.version,
    namespace: namespace.name,
    digest,
    bytes,
    state: 'staged',
    reason: null,
    publisher,
    publishedAt: at,
    logIndex,
    heldUntil: held?.until ?? null,
    findings: JSON.stringify(findings),
    manifest: JSON.stringify(manifest),
  };
}

/** Brings what a search gives of a plugin up to date with its versions. Only inside a transaction. */
export function relist(store: Store, plugin: string): void {
  const latest = latestOf(store.versions.of(plugin));
  if (latest === null) {
    store.listed.remove(plugin);
    return;
  }
  // SAFETY: `commitVersion` wrote it from a manifest.
  const manifest = JSON.parse(latest.manifest) as Manifest;
  const { id, version, title, description, runtime, permissions, nodes } = manifest;
  const capabilities = [...new Set(permissions.map((it) => it.capability))];
  const { publisher, publishedAt } = latest;
  const item = { id, version, title, description, runtime, capabilities, publisher, publishedAt };
  const more = nodes
    .map((it) => it.title)
    .join(' ')
    .slice(0, 4000);
  const { namespace } = latest;
  store.listed.put({
    plugin,
    namespace,
    runtime,
    capabilities,
    item: JSON.stringify(item),
    title,
    description,
    more,
  });
}

/** The newest active version by semver; a pre-release only when there is nothing else. */
export function latestOf(rows: readonly VersionRow[]): VersionRow | null {
  const active = rows.filter((it) => it.state === 'active');
  const stable = active.filter((it) => semver.prerelease(it.version) === null);
  return newestFirst(stable.length > 0 ? stable : active)[0] ?? null;
}

export function newestFirst(rows: readonly VersionRow[]): VersionRow[] {
  return rows.toSorted((a, b) => semver.rcompare(a.version, b.version));
}
