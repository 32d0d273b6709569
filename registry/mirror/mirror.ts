import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HubError, type Discovery } from '@runtime-hub/plugin-sdk/contract';
import {
  RegistryClient,
  StaticExchange,
  folderMemory,
  identify,
  shortMemory,
  type Asked,
  type Memory,
} from '../client/index.ts';
import { DISCOVERY } from './paths.ts';
import { syncMirror, type SyncReport } from './sync.ts';
import { folderTree, rehearsal, type Tree } from './tree.ts';
import type { Uplink } from './uplink.ts';

export interface MirrorPorts {
  /** The mirror's own folder. */
  readonly folder: string;
  readonly uplink: Uplink;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Namespaces of the registry that mirrors. */
  readonly own: ReadonlySet<string>;
}

/** Where what is new comes from. */
export interface Source {
  readonly url: string;
  /** How it is asked, where that is not over HTTP. */
  readonly exchange?: Asked;
  /** False for what it has no bytes of; all when left out. */
  readonly offers?: (id: string, version: string) => boolean;
}

const HOUR_MS = 3_600_000;

/** What a mirror serves: a folder that any web server can. */
export const servedFolder = (folder: string): string => join(folder, 'tree');
export const servedTree = (folder: string): Tree => folderTree(servedFolder(folder));
/** Answers for a mirror out of its folder, whoever else writes to it meanwhile. */
export function answersOf(folder: string, origin: string): Asked {
  const tree = servedTree(folder);
  return new StaticExchange(async (path) => await tree.read(path), origin);
}

export interface LookOptions {
  /** Tells what would become of it, and changes nothing. */
  readonly rehearse?: boolean;
  /** Throws for the first version that does not hold, instead of leaving it out. */
  readonly strict?: boolean;
  /** Takes nothing but this plugin. */
  readonly only?: string;
}

/** Looks at the origin through `source` and takes what is new. */
export async function bringUpToDate(
  { folder, uplink, now, own }: MirrorPorts,
  { url, exchange, offers }: Source,
  { rehearse = false, strict = false, only }: LookOptions = {},
): Promise<SyncReport> {
  const parts = rehearse ? rehearsing(folder) : working(folder);
  const { tree, memory, notes, roots } = parts;
  const { origin, logKey, maxMetadataAgeHours } = uplink;
  const asked = exchange === undefined ? {} : { exchange };
  try {
    await copyRoot({ uplink, tree, roots }, { url, ...asked });
    using client = new RegistryClient({
      ...{ origin, url, logKey, memory, now, ...asked },
      maxAgeMs: maxMetadataAgeHours * HOUR_MS,
    });
    return await syncMirror({
      ...{ uplink, client, tree, notes, own, strict },
      ...(offers === undefined ? {} : { offers }),
      ...(only === undefined ? {} : { only }),
    });
  } finally {
    if (rehearse) rmSync(roots, { recursive: true, force: true });
  }
}

interface Places {
  readonly tree: Tree;
  readonly notes: Tree;
  readonly memory: Memory;
  /** Where what was accepted of the origin's root of trust is kept. */
  readonly roots: string;
}

const working = (folder: string): Places => ({
  tree: servedTree(folder),
  notes: folderTree(folder),
  memory: folderMemory(join(folder, 'memory')),
  roots: join(folder, 'roots'),
});

function rehearsing(folder: string): Places {
  const real = working(folder);
  const roots = mkdtempSync(join(tmpdir(), 'mirror-'));
  if (existsSync(real.roots)) cpSync(real.roots, roots, { recursive: true });
  const [tree, notes] = [rehearsal(real.tree), rehearsal(real.notes)];
  return { tree, notes, memory: forgetful(real.memory), roots };
}

/** Knows what is known, and forgets what it learns. */
function forgetful(memory: Memory): Memory {
  const fresh = shortMemory();
  const recall = async (origin: string, name: string): Promise<string | null> =>
    (await fresh.recall(origin, name)) ?? (await memory.recall(origin, name));
  return {
    recall,
    keep: async (...what) => await fresh.keep(...what),
    read: async (origin) => (await fresh.read(origin)) ?? (await memory.read(origin)),
    write: async (...what) => await fresh.write(...what),
  };
}

/** The origin's root of trust, verified against what was seen of it before, and kept as it is. */
async function copyRoot(
  { uplink, tree, roots }: { readonly uplink: Uplink } & Pick<Places, 'tree' | 'roots'>,
  { url, exchange }: Pick<Source, 'url' | 'exchange'>,
): Promise<void> {
  const seen = new Map<string, Buffer>();
  const found = await identify({
    ...{ url, folder: roots, fingerprint: uplink.tufRootSha256 },
    ...(exchange === undefined ? {} : { exchange }),
    onFile: (path, bytes) => void seen.set(path.slice(1), bytes),
  });
  requireSame(found, uplink);
  for (const [path, bytes] of seen) await tree.write(path, bytes);
  await tree.write(DISCOVERY, JSON.stringify(found));
}

function requireSame({ origin, logKey }: Discovery, uplink: Uplink): void {
  if (origin === uplink.origin && logKey === uplink.logKey) return;
  const detail = `it shows itself as ${origin.slice(0, 100)}, or with another key for its log`;
  throw new HubError('REGISTRY_IDENTITY_MISMATCH', { registry: uplink.origin, detail });
}
