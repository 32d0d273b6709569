import { hash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, open, rm, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { isConsistent, openCheckpoint } from '@runtime-hub/plugin-sdk/artifact';
import { HubError } from '@runtime-hub/plugin-sdk/contract';
import { StaticExchange, identify } from '../client/index.ts';
import { EXPORT_FILE, ExportList } from './export.ts';
import { bringUpToDate, servedTree, type Source } from './mirror.ts';
import { CHECKPOINT, bundlePath } from './paths.ts';
import { keyOf, type SyncReport } from './sync.ts';
import { indexArchive, malformed, readPlace, type Place } from './tar.ts';
import type { Tree } from './tree.ts';
import { TAKE_ALL, mirrorFolder, readUplink, writeUplink, type Uplink } from './uplink.ts';

export interface ImportPorts {
  /** The registry's data folder. */
  readonly data: string;
  readonly now: () => number;
  readonly own: ReadonlySet<string>;
}

export interface ImportWish {
  readonly file: string;
  /** Tells what would be taken, and changes nothing. */
  readonly dryRun: boolean;
  /** Of the origin, the first time; null trusts what the archive shows. */
  readonly fingerprint: string | null;
  /** How old the origin's newest checkpoint may be, the first time. */
  readonly maxMetadataAgeHours: number;
}

export interface ImportReport extends SyncReport {
  readonly since: number;
  readonly dryRun: boolean;
  /** Of the origin's root of trust: compare it when this is the first import. */
  readonly fingerprint: string;
}

const MAX_CHECKPOINT_BYTES = 16_384;
const MAX_FILE_BYTES = 64 * 1024 * 1024;
const MAX_LIST_BYTES = 512 * 1024 * 1024;
const isList = new Ajv2020({ strict: true, validateSchema: false }).compile<ExportList>(ExportList);

/**
 * Takes an export into a mirror by the way on which a mirror looks at its origin: everything is verified first, and only
 * when all of it holds is anything changed. The same export once more changes nothing. Throws REGISTRY_ARCHIVE_…,
 * REGISTRY_IDENTITY_MISMATCH, REGISTRY_METADATA_…, LOG_…, or what the first version that does not hold is refused with.
 */
export async function importArchive(ports: ImportPorts, wish: ImportWish): Promise<ImportReport> {
  await using archive = await openArchive(wish.file);
  const { list } = archive;
  const folder = mirrorFolder(ports.data, list.origin);
  await archive.check();
  const { uplink, isNew } = await uplinkFor(folder, archive, wish);
  const tree = servedTree(folder);
  await requireNext(tree, uplink, archive);
  const source = sourceOf(archive, tree);
  const mirror = { folder, uplink, now: ports.now, own: ports.own };
  const strict = !wish.dryRun;
  const rehearsed = await bringUpToDate(mirror, source, { rehearse: true, strict });
  const about = { since: list.since, dryRun: wish.dryRun, fingerprint: uplink.tufRootSha256 };
  if (wish.dryRun) return { ...rehearsed, ...about };
  if (isNew) writeUplink(folder, uplink);
  return { ...(await bringUpToDate(mirror, source, { strict })), ...about };
}

interface Archive extends AsyncDisposable {
  readonly list: ExportList;
  readonly has: (path: string) => boolean;
  /** Throws REGISTRY_ARCHIVE_ALTERED for bytes that are not those that were listed. */
  read(path: string, maxBytes: number): Promise<Buffer | null>;
  /** Reads everything once, also what nobody may ask for. */
  check(): Promise<void>;
}

async function openArchive(file: string): Promise<Archive> {
  await using parts = new AsyncDisposableStack();
  const handle = parts.use(
    await open(file).catch((error: unknown) => {
      throw new HubError('ARTIFACT_NOT_FOUND', { source: file }, { cause: error });
    }),
  );
  const places = await indexArchive(handle);
  const list = await listIn(handle, places);
  const opened = parts.move();
  const read = async (path: string, maxBytes: number): Promise<Buffer | null> => {
    const place = places.get(path);
    if (place === undefined || path === EXPORT_FILE) return null;
    if (place.bytes > maxBytes) throw malformed('size', `${path} is larger than it may be`);
    const bytes = await readPlace(handle, place);
    if (hash('sha256', bytes) === list.files[path]) return bytes;
    throw new HubError('REGISTRY_ARCHIVE_ALTERED', { file: path });
  };
  return {
    list,
    has: (path) => places.has(path),
    read,
    check: async () => {
      for (const path of places.keys()) await read(path, MAX_FILE_BYTES);
    },
    [Symbol.asyncDispose]: async () => await opened.disposeAsync(),
  };
}

async function listIn(handle: FileHandle, places: ReadonlyMap<string, Place>): Promise<ExportList> {
  const place = places.get(EXPORT_FILE);
  if (place === undefined || place.bytes > MAX_LIST_BYTES)
    throw malformed('list', 'there is no export.json, or it is too large');
  const list = jsonOf((await readPlace(handle, place)).toString('utf8'));
  if (!isList(list)) throw malformed('list', 'export.json has another form');
  const listed = Object.keys(list.files);
  const isSame = listed.length === places.size - 1 && listed.every((path) => places.has(path));
  if (!isSame) throw malformed('list', 'it holds other files than export.json says');
  return list;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new HubError(
      'REGISTRY_ARCHIVE_MALFORMED',
      { rule: 'list', detail: 'export.json is no JSON' },
      { cause: error },
    );
  }
}

/** The mirror's settings; for an origin that is new here, as the archive shows it. */
async function uplinkFor(
  folder: string,
  archive: Archive,
  { fingerprint, maxMetadataAgeHours }: ImportWish,
): Promise<{ readonly uplink: Uplink; readonly isNew: boolean }> {
  const { origin } = archive.list;
  if (existsSync(join(folder, 'uplink.json')))
    return { uplink: readUplink(folder, origin), isNew: false };
  const exchange = new StaticExchange(async (...what) => await archive.read(...what), origin);
  const found = await identifyOnce(exchange, origin, fingerprint);
  const { logKey, tufRootSha256 } = found;
  const uplink = {
    ...{ origin, url: null, logKey, tufRootSha256, maxMetadataAgeHours },
    ...{ everyMinutes: 60, pull: false, filters: TAKE_ALL },
  };
  return { uplink, isNew: true };
}

async function identifyOnce(exchange: StaticExchange, origin: string, fingerprint: string | null) {
  const folder = await mkdtemp(join(tmpdir(), 'import-'));
  try {
    const found = await identify({ url: ARCHIVE_URL, folder, fingerprint, exchange });
    if (found.origin === origin) return found;
    throw new HubError('REGISTRY_IDENTITY_MISMATCH', {
      registry: origin,
      detail: `its files are of ${found.origin.slice(0, 100)}`,
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Throws unless the archive begins at or before what is known, and its proof leads on from there. */
async function requireNext(tree: Tree, uplink: Uplink, archive: Archive): Promise<void> {
  const { origin, since, proof } = archive.list;
  const key = keyOf(uplink);
  const note = await tree.read(CHECKPOINT);
  const have = note === null ? null : openCheckpoint(note.toString('utf8'), key);
  if (since > (have?.size ?? 0))
    throw new HubError('REGISTRY_ARCHIVE_GAP', { origin, have: have?.size ?? 0, since });
  // Of an archive that begins before, the log's own tiles prove the same.
  if (have?.size !== since) return;
  const newest = await archive.read(CHECKPOINT, MAX_CHECKPOINT_BYTES);
  const { size: to, root: toRoot } = openCheckpoint(newest?.toString('utf8') ?? '', key);
  const hashes = proof.map((it) => Buffer.from(it, 'base64'));
  const way = { from: since, to, fromRoot: have.root, toRoot, proof: hashes };
  if (!isConsistent(way)) throw new HubError('LOG_FORKED', { origin, size: since });
}

/** Answers out of the archive; tiles that have not changed since are only here. */
function sourceOf(archive: Archive, tree: Tree): Source {
  const read = async (path: string, maxBytes: number): Promise<Buffer | null> =>
    (await archive.read(path, maxBytes)) ??
    (path.startsWith('v1/log/tile/') ? await tree.read(path) : null);
  return {
    url: ARCHIVE_URL,
    exchange: new StaticExchange(read, archive.list.origin),
    offers: (id, version) => archive.has(bundlePath(id, version)),
  };
}

/** A name for what is not on the network. */
const ARCHIVE_URL = 'http://archive.invalid';
