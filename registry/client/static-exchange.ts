import {
  consistencyFromTiles,
  parseEntryTile,
  parseTilePath,
  tilePath,
  type TileId,
} from '@runtime-hub/plugin-sdk/artifact';
import { HubError } from '@runtime-hub/plugin-sdk/contract';
import type { Asked } from './asked.ts';
import { foundAmong } from './static-search.ts';

/** Reads a file of a mirror by its path, such as `v1/index.json`; null when it is not there. */
export type ReadFile = (path: string, maxBytes: number) => Promise<Buffer | null>;

const TILE_WIDTH = 256;
const HASH_BYTES = 32;
const MAX_BYTES = 64 * 1024 * 1024;
const PLUGIN = /^v1\/plugins\/[^/]+\/[^/]+(?:\/[^/]+)?$/u;
/** Parts of a path that a registry's addresses are made of; none leads out of a folder. */
const PATH = /^(?:[A-Za-z0-9_-][A-Za-z0-9._+-]*\/)*[A-Za-z0-9_-][A-Za-z0-9._+-]*$/u;

/** Where the answer to an address that names one thing lies in a mirror's folder; null when that cannot be. */
export function fileFor(address: string): string | null {
  const path = address.replace(/^\//u, '').replace(/\/$/u, '');
  if (!PATH.test(path)) return null;
  return path === 'v1' || path === 'v1/plugins' || PLUGIN.test(path) ? `${path}/index.json` : path;
}

/**
 * Answers what a registry would, from files that any web server, a folder or an archive holds: what a registry computes,
 * such as proofs and searches, is computed here from tiles and lists.
 */
export class StaticExchange implements Asked {
  readonly #read: ReadFile;
  readonly #name: string;

  constructor(read: ReadFile, name: string) {
    this.#read = read;
    this.#name = name;
  }

  async get(path: string, maxBytes = MAX_BYTES): Promise<Buffer> {
    const [address = '', query = ''] = path.split('?', 2);
    const asked = new URLSearchParams(query);
    const count = (name: string): number => Number(asked.get(name) ?? '0');
    if (address === '/v1/plugins')
      return jsonOf(foundAmong(await this.#file('v1/plugins/index.json', maxBytes), asked));
    if (address === '/v1/changes') return await this.#changes(count('since'), count('limit'));
    if (address === '/v1/log/proof') return await this.#proof(count('from'), count('to'));
    const file = fileFor(address);
    if (file === null) throw notFound('file');
    return await this.#file(file, maxBytes);
  }

  async post(): Promise<Buffer> {
    return await Promise.reject(notFound('address'));
  }

  async find(path: string): Promise<{ status: number; body: ReadableStream<Uint8Array> | null }> {
    const file = fileFor(path);
    const bytes = file === null ? null : await this.#read(file, MAX_BYTES);
    if (bytes === null) return { status: 404, body: null };
    return { status: 200, body: new Blob([new Uint8Array(bytes)]).stream() };
  }

  close(): void {
    // It holds nothing open.
  }

  async #file(path: string, maxBytes = MAX_BYTES): Promise<Buffer> {
    const bytes = await this.#read(path, maxBytes);
    if (bytes === null) throw notFound('file');
    return bytes;
  }

  async #changes(since: number, limit: number): Promise<Buffer> {
    const size = await this.#size();
    const index = Math.floor(since / TILE_WIDTH);
    const first = since - index * TILE_WIDTH;
    const leaves =
      since >= size ? [] : await this.#entries({ level: 'entries', index, width: 0 }, size);
    const entries = leaves
      .slice(first, first + Math.max(limit, 1))
      .map((leaf, at) => ({ index: since + at, leaf: leaf.toString('base64') }));
    return jsonOf({ size, entries });
  }

  async #proof(from: number, to: number): Promise<Buffer> {
    const size = await this.#size();
    if (!isSize(from) || !isSize(to) || from > to || to > size)
      throw new HubError('REGISTRY_RESPONSE_INVALID', {
        registry: this.#name,
        detail: 'it has no such proof',
      });
    const proof = await consistencyFromTiles(from, to, async (path) => {
      const tile = parseTilePath(path);
      if (tile === null) throw new Error('a proof needs a tile without a path');
      const bytes = await this.#file(`v1/log/${tilePath({ ...tile, width: widthOf(tile, size) })}`);
      return bytes.subarray(0, tile.width * HASH_BYTES);
    });
    return jsonOf({ from, to, proof: proof.map((it) => it.toString('base64')) });
  }

  async #entries(tile: TileId, size: number): Promise<readonly Buffer[]> {
    const whole = { ...tile, width: widthOf(tile, size) };
    return parseEntryTile(await this.#file(`v1/log/${tilePath(whole)}`), whole);
  }

  /** How many leaves the files hold; what the checkpoint is worth, its reader finds out. */
  async #size(): Promise<number> {
    const [, size = ''] = (await this.#file('v1/log/checkpoint', 16_384))
      .toString('utf8')
      .split('\n', 2);
    return /^[0-9]{1,15}$/u.test(size) ? Number(size) : 0;
  }
}

/** How wide a tile is in a tree of `size` leaves: only this width of it is kept. */
function widthOf({ level, index }: TileId, size: number): number {
  const rows = Math.floor(size / TILE_WIDTH ** (level === 'entries' ? 0 : level));
  return Math.min(TILE_WIDTH, rows - index * TILE_WIDTH);
}

const isSize = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;
const jsonOf = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const notFound = (what: string): HubError => new HubError('REGISTRY_NOT_FOUND', { what });
