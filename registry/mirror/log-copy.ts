import {
  appended,
  entryTile,
  entryTilesOf,
  hasTile,
  hashTile,
  leafHash,
  openCheckpoint,
  parseEntryTile,
  rootAt,
  tileNodes,
  tilePath,
  tilesOf,
  type LogKey,
  type TileId,
  type TreeNodes,
} from '@runtime-hub/plugin-sdk/artifact';
import { HubError } from '@runtime-hub/plugin-sdk/contract';
import { CHECKPOINT, tileFile } from './paths.ts';
import type { Tree } from './tree.ts';

const TILE_WIDTH = 256;

/** How many leaves a mirror's tiles hold: as many as the checkpoint over them says. */
export async function sizeOf(tree: Tree, key: LogKey): Promise<number> {
  const note = await tree.read(CHECKPOINT);
  return note === null ? 0 : openCheckpoint(note.toString('utf8'), key).size;
}

/**
 * Adds leaves, already found to be part of the log, to a mirror's tiles. `checkpoint` is written last: until then readers
 * see the log as it was. Leaves that a crash left behind are written again.
 */
export async function addLeaves(
  tree: Tree,
  { key, checkpoint }: { readonly key: LogKey; readonly checkpoint: string },
  { from, leaves }: { readonly from: number; readonly leaves: readonly Buffer[] },
): Promise<void> {
  const { origin, size, root } = openCheckpoint(checkpoint, key);
  const kept = await sizeOf(tree, key);
  if (kept > from + leaves.length)
    throw new HubError('LOG_ROLLED_BACK', { origin, seen: kept, offered: size });
  if (kept < from) throw new HubError('LOG_FORKED', { origin, size: kept });
  const nodes = await grown(tree, kept, leaves.slice(kept - from));
  if (size !== from + leaves.length || !rootAt(nodes, size).equals(root))
    throw new HubError('LOG_FORKED', { origin, size: kept });
  await writeEntries(tree, kept, leaves.slice(kept - from));
  for (const tile of tilesOf(size, kept)) await tree.write(tileFile(tile), hashTile(nodes, tile));
  await tree.write(CHECKPOINT, checkpoint);
  for (const tile of narrower(kept, size)) await tree.remove(tileFile(tile));
}

/** The hashes at the right edge of a mirror's tree: enough to go on, and to prove that what comes continues it. */
async function edgeOf(tree: Tree, size: number): Promise<TreeNodes> {
  const tiles = new Map<string, Uint8Array>();
  for (const tile of edgeTiles(size)) {
    const bytes = await tree.read(tileFile(tile));
    if (bytes !== null) tiles.set(tilePath(tile), bytes);
  }
  return tileNodes(tiles, size);
}

async function grown(tree: Tree, kept: number, leaves: readonly Buffer[]): Promise<TreeNodes> {
  const edge = await edgeOf(tree, kept);
  const added = new Map<string, Uint8Array>();
  const nodes = {
    hash: (level: number, index: number) =>
      added.get(`${String(level)}/${String(index)}`) ?? edge.hash(level, index),
  };
  for (const [at, leaf] of leaves.entries())
    for (const { level, index, hash } of appended(nodes, kept + at, leafHash(leaf)))
      added.set(`${String(level)}/${String(index)}`, hash);
  return nodes;
}

async function writeEntries(tree: Tree, kept: number, leaves: readonly Buffer[]): Promise<void> {
  const all = [...(await lastEntries(tree, kept)), ...leaves];
  const first = Math.floor(kept / TILE_WIDTH) * TILE_WIDTH;
  for (const tile of entryTilesOf(kept + leaves.length, kept)) {
    const start = tile.index * TILE_WIDTH - first;
    await tree.write(tileFile(tile), entryTile(all.slice(start, start + tile.width)));
  }
}

/** Entries of the tile that is not full yet. */
async function lastEntries(tree: Tree, size: number): Promise<readonly Buffer[]> {
  const width = size % TILE_WIDTH;
  if (width === 0) return [];
  const tile: TileId = { level: 'entries', index: Math.floor(size / TILE_WIDTH), width };
  const bytes = await tree.read(tileFile(tile));
  if (bytes === null) throw new HubError('LOG_TILE_MALFORMED', { detail: 'it is not there' });
  return parseEntryTile(bytes, tile);
}

/** The last tile of each level. */
function edgeTiles(size: number): TileId[] {
  const tiles: TileId[] = [];
  for (let [level, rows] = [0, size]; rows > 0; [level, rows] = [level + 1, rowsAbove(rows)]) {
    const index = rowsAbove(rows - 1);
    tiles.push({ level, index, width: rows - index * TILE_WIDTH });
  }
  return tiles;
}

const rowsAbove = (rows: number): number => Math.floor(rows / TILE_WIDTH);

/** Tiles of a tree of `before` leaves that one of `size` leaves has in a greater width. */
function narrower(before: number, size: number): TileId[] {
  const edges = [...edgeTiles(before), ...entryTilesOf(before, Math.max(0, before - 1))];
  return edges.filter(
    (tile) => tile.width < TILE_WIDTH && hasTile(size, { ...tile, width: tile.width + 1 }),
  );
}
