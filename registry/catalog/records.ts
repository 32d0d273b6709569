import type { Parts } from '../parts.ts';
import { keep, type Kept } from '../http/index.ts';
import { latestOf, newestFirst } from '../publish/index.ts';
import type { VersionRow } from '../store/index.ts';

/** JSON of plugins and versions, put together from stored text so that no manifest is parsed to be sent, and kept. */
export interface Records {
  /** A `PluginRecord`; null for an unknown plugin. */
  plugin(id: string): Kept | null;
  /** A `VersionRecord`. */
  version(row: VersionRow): string;
  forget(plugin: string): void;
}

/** Kept answers; about 10 kB each. */
const MAX_KEPT = 5000;

export function createRecords({ store }: Pick<Parts, 'store'>): Records {
  const known = new Map<string, Kept>();
  return {
    plugin: (id) => {
      const found = known.get(id);
      if (found !== undefined) return found;
      const rows = newestFirst(store.versions.of(id));
      if (rows.length === 0) return null;
      const head = {
        id,
        latest: latestOf(rows)?.version ?? null,
        downloads: store.listed.downloads(id),
      };
      const versions = rows.map(versionJson).join(',');
      const made = keep(`${JSON.stringify(head).slice(0, -1)},"versions":[${versions}]}`);
      if (known.size >= MAX_KEPT) known.delete(known.keys().next().value ?? '');
      known.set(id, made);
      return made;
    },
    version: versionJson,
    forget: (plugin) => void known.delete(plugin),
  };
}

function versionJson(row: VersionRow): string {
  const {
    plugin: id,
    version,
    digest,
    bytes,
    state,
    reason,
    publisher,
    publishedAt,
    logIndex,
  } = row;
  const head = { id, version, digest, bytes, state, reason, publisher, publishedAt, logIndex };
  return `${JSON.stringify(head).slice(0, -1)},"manifest":${row.manifest}}`;
}
