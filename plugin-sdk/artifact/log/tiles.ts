import { HubError } from '../../contract/index.ts';
import { nodeHash } from './merkle.ts';
import type { NodeId, TreeNodes } from './tree.ts';

/** Rows of hashes in a tile; a full one has 2^8 of them. */
const HEIGHT = 8;
export const TILE_WIDTH = 256;
const HASH_BYTES = 32;
/** Entries are framed by 16 bits of length (C2SP tlog-tiles). */
export const MAX_LEAF_BYTES = 0xffff;

/** A tile of hashes at level 0 to 5, or of the entries themselves; `width` is below 256 only at the right edge. */
export interface TileId {
  readonly level: number | 'entries';
  readonly index: number;
  readonly width: number;
}

/** `tile/<L>/<N>[.p/<W>]` with N in groups of three digits (C2SP tlog-tiles): 1234067 is `x001/x234/067`. */
export function tilePath({ level, index, width }: TileId): string {
  const groups =
    String(index)
      .padStart(Math.ceil(String(index).length / 3) * 3, '0')
      .match(/\d{3}/gu) ?? [];
  const name = groups.map((group, at) => (at < groups.length - 1 ? `x${group}` : group)).join('/');
  return `tile/${String(level)}/${name}${width === TILE_WIDTH ? '' : `.p/${String(width)}`}`;
}

const PATH =
  /^tile\/(entries|[0-9]|[1-5][0-9]|6[0-3])\/((?:x[0-9]{3}\/){0,4}[0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/u;

/** The tile a path names, null for any path that `tilePath` would not write. */
export function parseTilePath(path: string): TileId | null {
  const [, level = '', name = '', partial] = PATH.exec(path) ?? [];
  const tile = {
    level: level === 'entries' ? ('entries' as const) : Number(level),
    index: Number(name.replace(/[x/]/gu, '')),
    width: partial === undefined ? TILE_WIDTH : Number(partial),
  };
  return tile.width <= TILE_WIDTH && tilePath(tile) === path ? tile : null;
}

/** All hash tiles of a tree of `size` leaves that one of `since` leaves did not have in this width. */
export function tilesOf(size: number, since = 0): TileId[] {
  const tiles: TileId[] = [];
  for (let level = 0; ; level++) {
    const [rows, before] = [rowsAt(size, level), rowsAt(since, level)];
    if (rows === 0) return tiles;
    tiles.push(...tilesBetween(level, before, rows));
  }
}

/** All entry tiles of a tree of `size` leaves that one of `since` leaves did not have in this width. */
export function entryTilesOf(size: number, since = 0): TileId[] {
  return tilesBetween('entries', since, size);
}

const rowsAt = (size: number, level: number): number => Math.floor(size / TILE_WIDTH ** level);

function tilesBetween(level: TileId['level'], before: number, rows: number): TileId[] {
  if (rows === before) return [];
  const tiles: TileId[] = [];
  for (let index = Math.floor(before / TILE_WIDTH); index * TILE_WIDTH < rows; index++)
    tiles.push({ level, index, width: Math.min(TILE_WIDTH, rows - index * TILE_WIDTH) });
  return tiles;
}

/** True when a tree of `size` leaves has this tile in this width or a greater one. */
export function hasTile(size: number, { level, index, width }: TileId): boolean {
  const rows = rowsAt(size, level === 'entries' ? 0 : level);
  return index * TILE_WIDTH + width <= rows;
}

/** The bytes of a hash tile: the hashes of its lowest row. */
export function hashTile(nodes: TreeNodes, { level, index, width }: TileId): Buffer {
  if (level === 'entries') throw new Error('a tile of entries holds no hashes');
  const row = Array.from({ length: width }, (_, at) =>
    nodes.hash(level * HEIGHT, index * TILE_WIDTH + at),
  );
  return Buffer.concat(row);
}

/** The bytes of an entry tile: each entry after 16 bits of its length, big endian. */
export function entryTile(leaves: readonly Uint8Array[]): Buffer {
  return Buffer.concat(
    leaves.flatMap((leaf) => {
      if (leaf.length > MAX_LEAF_BYTES) throw new Error('a leaf is longer than its frame allows');
      const length = Buffer.alloc(2);
      length.writeUInt16BE(leaf.length);
      return [length, leaf];
    }),
  );
}

/** The entries of an entry tile; throws LOG_TILE_MALFORMED unless they are as many as the tile is wide. */
export function parseEntryTile(bytes: Uint8Array, { width }: TileId): Buffer[] {
  const tile = Buffer.from(bytes);
  const leaves: Buffer[] = [];
  for (let at = 0; at < tile.length;) {
    const end = at + 2 <= tile.length ? at + 2 + tile.readUInt16BE(at) : Infinity;
    if (end > tile.length || leaves.length === width) throw malformed('its entries do not fit it');
    leaves.push(tile.subarray(at + 2, end));
    at = end;
  }
  if (leaves.length !== width) throw malformed('it holds fewer entries than it should');
  return leaves;
}

/** The tile that a node of a tree of `size` leaves can be computed from. */
export function tileFor({ level, index }: NodeId, size: number): TileId {
  const tileLevel = Math.floor(level / HEIGHT);
  const row = index * 2 ** (level % HEIGHT);
  const tile = Math.floor(row / TILE_WIDTH);
  const width = Math.min(TILE_WIDTH, rowsAt(size, tileLevel) - tile * TILE_WIDTH);
  return { level: tileLevel, index: tile, width };
}

/** A tree as its tiles give it; `tiles` are by path. Throws LOG_TILE_MALFORMED when one lacks or is too short. */
export function tileNodes(tiles: ReadonlyMap<string, Uint8Array>, size: number): TreeNodes {
  return {
    hash: (level, index) => {
      const tile = tileFor({ level, index }, size);
      const bytes = tiles.get(tilePath(tile));
      if (bytes?.length !== tile.width * HASH_BYTES) throw malformed('it has another length');
      const span = 2 ** (level % HEIGHT);
      const first = index * span - tile.index * TILE_WIDTH;
      const row = Array.from({ length: span }, (_, at) =>
        bytes.subarray((first + at) * HASH_BYTES, (first + at + 1) * HASH_BYTES),
      );
      return foldComplete(row);
    },
  };
}

function foldComplete(row: readonly Uint8Array[]): Uint8Array {
  const [only] = row;
  if (row.length === 1 && only !== undefined) return only;
  const middle = row.length / 2;
  return nodeHash(foldComplete(row.slice(0, middle)), foldComplete(row.slice(middle)));
}

function malformed(detail: string): HubError<'LOG_TILE_MALFORMED'> {
  return new HubError('LOG_TILE_MALFORMED', { detail });
}
