import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  MemoryTree,
  consistencyFromTiles,
  consistencyProof,
  entryTile,
  entryTilesOf,
  hasTile,
  hashTile,
  inclusionFromTiles,
  inclusionProof,
  leafHash,
  parseEntryTile,
  parseTilePath,
  rootAt,
  tileNodes,
  tilePath,
  tilesOf,
} from '@runtime-hub/plugin-sdk/artifact';
import { refusalOf } from '../tar-parts.ts';

const SIZE = 70_000;
const tree = new MemoryTree(
  Array.from({ length: SIZE }, (_, at) => leafHash(Buffer.from(String(at)))),
);
const served = (size: number): ReadonlyMap<string, Buffer> =>
  new Map(tilesOf(size).map((tile) => [tilePath(tile), hashTile(tree, tile)]));

describe('the path of a tile (C2SP tlog-tiles)', () => {
  test.each([
    [{ level: 0, index: 0, width: 256 }, 'tile/0/000'],
    [{ level: 0, index: 0, width: 1 }, 'tile/0/000.p/1'],
    [{ level: 0, index: 273, width: 112 }, 'tile/0/273.p/112'],
    [{ level: 1, index: 1, width: 17 }, 'tile/1/001.p/17'],
    [{ level: 2, index: 1_234_067, width: 256 }, 'tile/2/x001/x234/067'],
    [{ level: 'entries', index: 1000, width: 255 }, 'tile/entries/x001/000.p/255'],
  ] as const)('of %j is %s, and back', (tile, path) => {
    expect(tilePath(tile)).toBe(path);
    expect(parseTilePath(path)).toEqual(tile);
  });

  test('is read back as it was written, whatever the tile', () => {
    const tile = fc.record({
      level: fc.oneof(fc.integer({ min: 0, max: 63 }), fc.constant('entries' as const)),
      index: fc.integer({ min: 0, max: 999_999_999 }),
      width: fc.integer({ min: 1, max: 256 }),
    });
    fc.assert(
      fc.property(tile, (it) => {
        expect(parseTilePath(tilePath(it))).toEqual(it);
      }),
    );
  });

  test.each([
    ['tile/0/0'],
    ['tile/0/0000'],
    ['tile/0/x000/001'],
    ['tile/0/1234/067'],
    ['tile/00/000'],
    ['tile/64/000'],
    ['tile/-1/000'],
    ['tile/0/000.p/0'],
    ['tile/0/000.p/256'],
    ['tile/0/000.p/01'],
    ['tile/0/000.p/257'],
    ['tile/0/../000'],
    ['tile/data/000'],
    ['tile/entries/000\n'],
    ['/tile/0/000'],
    ['tile/0/000/'],
    ['tile/0/x001234/067'],
  ])('is not %j', (path) => {
    expect(parseTilePath(path)).toBeNull();
  });
});

describe('the tiles of a log of 70,000 entries', () => {
  test('are those the specification counts: 273 full ones at level 0, then 1 at level 1, then a partial of 1', () => {
    const tiles = tilesOf(SIZE);
    expect(tiles.filter(({ level }) => level === 0)).toHaveLength(274);
    expect(tiles.filter(({ level }) => level === 0).at(-1)).toEqual({
      level: 0,
      index: 273,
      width: 112,
    });
    expect(tiles.filter(({ level }) => level === 1)).toEqual([
      { level: 1, index: 0, width: 256 },
      { level: 1, index: 1, width: 17 },
    ]);
    expect(tiles.filter(({ level }) => level === 2)).toEqual([{ level: 2, index: 0, width: 1 }]);
    expect(tiles.filter(({ level }) => Number(level) > 2)).toEqual([]);
  });

  test('are what a grown log adds to those it had, whatever the sizes', () => {
    const sizes = fc
      .tuple(fc.nat(SIZE), fc.nat(SIZE))
      .map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
    fc.assert(
      fc.property(sizes, ([since, size]) => {
        for (const list of [tilesOf, entryTilesOf]) {
          const had = new Set(list(since).map(tilePath));
          const added = new Set(list(size, since).map(tilePath));
          for (const path of list(size).map(tilePath))
            expect(had.has(path) || added.has(path)).toBe(true);
          for (const path of added) expect(had.has(path)).toBe(false);
        }
      }),
      { numRuns: 50 },
    );
  });

  test('are there in the width the tree has, and not beyond', () => {
    expect(hasTile(SIZE, { level: 0, index: 273, width: 112 })).toBe(true);
    expect(hasTile(SIZE, { level: 0, index: 273, width: 113 })).toBe(false);
    expect(hasTile(SIZE, { level: 0, index: 273, width: 1 })).toBe(true);
    expect(hasTile(SIZE, { level: 'entries', index: 274, width: 1 })).toBe(false);
    expect(hasTile(SIZE, { level: 3, index: 0, width: 1 })).toBe(false);
  });

  test('give every proof, from files alone', async () => {
    const size = 68_321;
    const tiles = served(size);
    const readTile = async (path: string): Promise<Uint8Array> => {
      const bytes = tiles.get(path);
      if (bytes === undefined) throw new Error(`no ${path}`);
      return await Promise.resolve(bytes);
    };
    expect(rootAt(tileNodes(tiles, size), size)).toEqual(rootAt(tree, size));
    for (const at of [0, 1, 255, 256, 65_535, 65_536, 68_320])
      expect(await inclusionFromTiles(at, size, readTile)).toEqual(inclusionProof(tree, at, size));
    for (const from of [0, 1, 255, 256, 257, 65_536, 68_000, size])
      expect(await consistencyFromTiles(from, size, readTile)).toEqual(
        consistencyProof(tree, from, size),
      );
  });

  test('that are cut short or missing are refused', () => {
    const tiles = new Map(served(300));
    tiles.set('tile/0/000', (tiles.get('tile/0/000') ?? Buffer.alloc(0)).subarray(0, 8160));
    expect(refusalOf(() => tileNodes(tiles, 300).hash(0, 3))).toBe('LOG_TILE_MALFORMED');
    expect(refusalOf(() => tileNodes(new Map(), 300).hash(0, 3))).toBe('LOG_TILE_MALFORMED');
  });
});

describe('a tile of entries', () => {
  const tile = (width: number) => ({ level: 'entries', index: 0, width }) as const;

  test('gives the entries back, whatever they are', () => {
    const leaves = fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 256 });
    fc.assert(
      fc.property(leaves, (list) => {
        const parsed = parseEntryTile(entryTile(list), tile(list.length));
        expect(parsed.map((it) => it.toString('hex'))).toEqual(
          list.map((it) => Buffer.from(it).toString('hex')),
        );
      }),
    );
  });

  test('refuses an entry that its frame cannot tell the length of', () => {
    expect(() => entryTile([Buffer.alloc(65_536)])).toThrow('longer than its frame');
    expect(parseEntryTile(entryTile([Buffer.alloc(65_535)]), tile(1))[0]).toHaveLength(65_535);
  });

  test.each([
    ['one entry fewer', [Buffer.of(1)], 2],
    ['one entry more', [Buffer.of(1), Buffer.of(2)], 1],
    ['none', [], 1],
  ] as const)('with %s than it says is refused', (_name, leaves, width) => {
    expect(refusalOf(() => parseEntryTile(entryTile(leaves), tile(width)))).toBe(
      'LOG_TILE_MALFORMED',
    );
  });

  test.each([['00'], ['0002ff'], ['0001ff00']])('of the bytes %s is refused', (bytes) => {
    expect(refusalOf(() => parseEntryTile(Buffer.from(bytes, 'hex'), tile(1)))).toBe(
      'LOG_TILE_MALFORMED',
    );
  });
});
