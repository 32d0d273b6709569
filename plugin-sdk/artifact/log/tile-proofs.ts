import { tileFor, tileNodes, tilePath } from './tiles.ts';
import {
  consistencyProof,
  consistencyRanges,
  inclusionProof,
  inclusionRanges,
  nodesOf,
  type LeafRange,
  type TreeNodes,
} from './tree.ts';

/** Reads the tile at a path such as `tile/0/x001/067`. */
export type ReadTile = (path: string) => Promise<Uint8Array>;

/** A consistency proof made from a log's tiles alone: a mirror that serves files serves proofs too. */
export async function consistencyFromTiles(
  from: number,
  to: number,
  readTile: ReadTile,
): Promise<Buffer[]> {
  return consistencyProof(await treeOf(consistencyRanges(from, to), to, readTile), from, to);
}

/** An inclusion proof made from a log's tiles alone. */
export async function inclusionFromTiles(
  index: number,
  size: number,
  readTile: ReadTile,
): Promise<Buffer[]> {
  return inclusionProof(await treeOf(inclusionRanges(index, size), size, readTile), index, size);
}

async function treeOf(
  ranges: readonly LeafRange[],
  size: number,
  readTile: ReadTile,
): Promise<TreeNodes> {
  const nodes = ranges.flatMap(nodesOf);
  const paths = new Set(nodes.map((node) => tilePath(tileFor(node, size))));
  const tiles = await Promise.all(
    [...paths].map(async (path) => [path, await readTile(path)] as const),
  );
  return tileNodes(new Map(tiles), size);
}
