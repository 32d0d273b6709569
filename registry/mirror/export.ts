import { hash } from 'node:crypto';
import {
  consistencyFromTiles,
  entryTilesOf,
  openCheckpoint,
  parseTilePath,
  tilesOf,
  type LogKey,
  type TileId,
} from '@runtime-hub/plugin-sdk/artifact';
import { HubError, ORIGIN_PATTERN, type SearchPage } from '@runtime-hub/plugin-sdk/contract';
import * as Type from 'typebox';
import type { Static } from 'typebox';
import { covers } from './filter.ts';
import { readNotes } from './notes.ts';
import {
  CHECKPOINT,
  DISCOVERY,
  LIST,
  attestationsPath,
  blobPath,
  bundlePath,
  namespaceOf,
  namespacePath,
  recordPath,
  tileFile,
} from './paths.ts';
import { versionsOf } from './records.ts';
import { writeArchive } from './tar.ts';
import type { Tree } from './tree.ts';

const closed = { additionalProperties: false } as const;
const Index = Type.Integer({ minimum: 0 });
export const EXPORT_FILE = 'export.json';

/** `export.json`: what an archive holds. It is not signed: all that matters of it is proven by what it lists. */
export const ExportList = Type.Object(
  {
    format: Type.Literal('runtime-hub/export@1'),
    origin: Type.String({ pattern: ORIGIN_PATTERN }),
    /** Size of the origin's log that the reader must know already. */
    since: Index,
    /** Size of the log in it: the `since` of the next one. */
    size: Index,
    /** Base64: from the tree of `since` leaves to that of `size` (RFC 9162 section 2.1.4). */
    proof: Type.Array(Type.String({ maxLength: 64 }), { maxItems: 64 }),
    versions: Type.Array(
      Type.Object({ id: Type.String(), version: Type.String(), digest: Type.String() }, closed),
    ),
    /** SHA-256, hex, by path. */
    files: Type.Record(Type.String(), Type.String({ pattern: '^[0-9a-f]{64}$' })),
  },
  closed,
);
export type ExportList = Static<typeof ExportList>;

export interface ExportWish {
  readonly file: string;
  readonly since: number;
  /** Ids, `namespace/*` or all. */
  readonly select: readonly string[];
}

/** Writes what a mirror has of the selected plugins, as far as it is newer than `since`, with the whole of the log’s growth. */
export async function exportMirror(
  { tree, notes, key }: { readonly tree: Tree; readonly notes: Tree; readonly key: LogKey },
  wish: ExportWish,
): Promise<Omit<ExportList, 'files'>> {
  const { since, select, file } = wish;
  const size = await sizeFor(tree, key, since);
  const page = await listOf(tree, select);
  const { takenAt } = await readNotes(notes);
  const chosen = await chosenOf(tree, page, { since, takenAt });
  const made = new Map<string, Buffer>([[LIST, Buffer.from(JSON.stringify(page))]]);
  const paths = [...logPaths(size, since), ...(await rootPaths(tree)), ...chosen.paths, LIST];
  const bytesOf = async (path: string): Promise<Buffer> =>
    made.get(path) ?? (await bytesAt(tree, path));
  const list = {
    ...{ format: 'runtime-hub/export@1' as const, origin: key.origin, since, size },
    proof: (await proofOf(tree, since, size)).map((it) => it.toString('base64')),
    versions: chosen.versions,
  };
  const sorted = [...new Set(paths)].toSorted();
  const files = Object.fromEntries(
    await inTurn(sorted, async (path) => [path, hash('sha256', await bytesOf(path))] as const),
  );
  made.set(EXPORT_FILE, Buffer.from(JSON.stringify({ ...list, files })));
  await writeArchive(file, [EXPORT_FILE, ...sorted], bytesOf);
  return list;
}

async function sizeFor(tree: Tree, key: LogKey, since: number): Promise<number> {
  const { size } = openCheckpoint((await bytesAt(tree, CHECKPOINT)).toString('utf8'), key);
  if (since <= size) return size;
  throw new HubError('REGISTRY_ARCHIVE_GAP', { origin: key.origin, have: size, since });
}

async function proofOf(tree: Tree, since: number, size: number): Promise<readonly Buffer[]> {
  if (since === 0 || since === size) return [];
  return await consistencyFromTiles(since, size, async (path) => {
    const tile = parseTilePath(path);
    if (tile === null) throw new Error('a proof needs a tile without a path');
    return await bytesAt(tree, tileFile(tile));
  });
}

async function listOf(tree: Tree, select: readonly string[]): Promise<SearchPage> {
  // SAFETY: the mirror wrote it.
  const page = JSON.parse((await bytesAt(tree, LIST)).toString('utf8')) as SearchPage;
  return { ...page, items: page.items.filter(({ id }) => select.some((it) => covers(it, id))) };
}

async function chosenOf(
  tree: Tree,
  { items }: SearchPage,
  {
    since,
    takenAt,
  }: { readonly since: number; readonly takenAt: Readonly<Record<string, number>> },
) {
  const paths: string[] = [];
  const versions: { id: string; version: string; digest: string }[] = [];
  for (const { id } of items) {
    paths.push(recordPath(id), namespacePath(namespaceOf(id)));
    for (const { version, digest, state } of (await versionsOf(tree, id)).values()) {
      if (state === 'revoked') continue;
      paths.push(attestationsPath(id, version));
      // What was taken while the log was that short, the reader had then.
      if ((takenAt[digest] ?? Infinity) <= since) continue;
      paths.push(bundlePath(id, version), blobPath(digest));
      versions.push({ id, version, digest });
    }
  }
  return { paths, versions };
}

const logPaths = (size: number, since: number): readonly string[] => [
  CHECKPOINT,
  ...[...tilesOf(size, since), ...entryTilesOf(size, since)].map((tile: TileId) => tileFile(tile)),
];

async function rootPaths(tree: Tree): Promise<readonly string[]> {
  const names = async (folder: string): Promise<readonly string[]> =>
    (await tree.names(folder))
      .filter((name) => name.endsWith('.json'))
      .map((name) => `${folder}/${name}`);
  return [DISCOVERY, ...(await names('v1/tuf')), ...(await names('v1/tuf/targets'))];
}

async function bytesAt(tree: Tree, path: string): Promise<Buffer> {
  const bytes = await tree.read(path);
  if (bytes !== null) return bytes;
  throw new HubError('REGISTRY_NOT_FOUND', { what: `file ${path}` });
}

async function inTurn<T, R>(items: readonly T[], act: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (const item of items) results.push(await act(item));
  return results;
}
