import { open, type FileHandle } from 'node:fs/promises';
import { HubError } from '@runtime-hub/plugin-sdk/contract';

const BLOCK = 512;
const MAX_FILES = 2_000_000;
const MAX_NAME = 100;
/** What an archive may hold: `export.json` and a mirror's files, none of which leads anywhere else. */
const PATH =
  /^(?:export\.json|v1\/(?:index\.json|plugins\/index\.json|plugins\/[a-z][a-z0-9-]{1,38}\/[a-z][a-z0-9-]{1,38}\/(?:index\.json|[0-9][0-9A-Za-z.-]{0,127}\/(?:bundle|attestations))|blobs\/sha512\/[0-9a-f]{128}|namespaces\/[a-z][a-z0-9-]{1,38}|log\/(?:checkpoint|tile\/(?:entries|[0-9]{1,2})\/(?:x[0-9]{3}\/){0,4}[0-9]{3}(?:\.p\/[1-9][0-9]{0,2})?)|tuf\/[0-9a-z][0-9a-z._-]{0,100}\.json|tuf\/targets\/[0-9a-f]{64}\.[a-z][a-z0-9_-]{0,62}\.json))$/u;

/** Where a file's bytes are in an archive. */
export interface Place {
  readonly start: number;
  readonly bytes: number;
}

export const malformed = (rule: string, detail: string): HubError =>
  new HubError('REGISTRY_ARCHIVE_MALFORMED', { rule, detail });

/**
 * Where each file of an archive is. Reads POSIX ustar (IEEE 1003.1-2017, pax) with regular files of a mirror's names only,
 * each once and in order; a longer name stands in a pax header that says nothing else. Nothing is ever unpacked by name.
 */
export async function indexArchive(handle: FileHandle): Promise<ReadonlyMap<string, Place>> {
  const { size } = await handle.stat();
  if (size % BLOCK !== 0) throw malformed('whole blocks', 'it is cut off');
  const places = new Map<string, Place>();
  let [offset, last, long] = [0, '', null as string | null];
  for (;;) {
    const header = await readAt(handle, offset, BLOCK);
    if (isZero(header)) break;
    const { name, type, bytes } = entryOf(header);
    const start = offset + BLOCK;
    offset = start + Math.ceil(bytes / BLOCK) * BLOCK;
    if (offset + 2 * BLOCK > size) throw malformed('whole files', 'its last file is cut off');
    if (type === 'x' && long === null) {
      long = await longName(handle, { start, bytes });
      continue;
    }
    const path = long ?? name;
    if (type !== '0') throw malformed('regular files only', `${shown(path)} is something else`);
    if (!PATH.test(path)) throw malformed('names', `${shown(path)} is no file of a mirror`);
    // The first is export.json; `v1/…` follows it.
    if (path <= last) throw malformed('order', `${shown(path)} is there twice or out of order`);
    places.set(path, { start, bytes });
    if (places.size > MAX_FILES) throw malformed('file count', 'it holds too many files');
    [last, long] = [path, null];
  }
  if (long !== null) throw malformed('names', 'it ends with a name for nothing');
  if (size - offset !== 2 * BLOCK)
    throw malformed('end marker', 'there is something after its end');
  return places;
}

export async function readPlace(handle: FileHandle, { start, bytes }: Place): Promise<Buffer> {
  return await readAt(handle, start, bytes);
}

/** Writes an archive of files; `paths` are sorted, and `bytesOf` is asked once for each. */
export async function writeArchive(
  file: string,
  paths: readonly string[],
  bytesOf: (path: string) => Promise<Uint8Array>,
): Promise<void> {
  await using handle = await open(file, 'wx', 0o644);
  for (const path of paths) {
    const bytes = await bytesOf(path);
    if (path.length > MAX_NAME) await handle.write(entry('x', 'pax', paxRecord(path)));
    await handle.write(entry('0', path.slice(0, MAX_NAME), bytes));
  }
  await handle.write(Buffer.alloc(2 * BLOCK));
  await handle.sync();
}

function entry(type: '0' | 'x', name: string, bytes: Uint8Array): Buffer {
  const header = Buffer.alloc(BLOCK);
  header.write(name, 0);
  header.write('0000644\0' + '0000000\0' + '0000000\0', 100);
  header.write(`${bytes.length.toString(8).padStart(11, '0')}\0`, 124);
  header.write('00000000000\0', 136);
  header.write('        ', 148);
  header.write(type, 156);
  header.write('ustar\u000000', 257);
  header.write(`${sumOf(header).toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([header, bytes, Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK)]);
}

function entryOf(header: Buffer) {
  const text = (from: number, to: number): string =>
    header.subarray(from, to).toString('latin1').replace(/\0.*$/su, '');
  if (header.toString('latin1', 257, 265) !== 'ustar\u000000')
    throw malformed('format', 'an entry is not POSIX ustar');
  const bytes = /^([0-7]{11})\0$/u.exec(header.toString('latin1', 124, 136))?.[1];
  const sum = /^([0-7]{6})\0 $/u.exec(header.toString('latin1', 148, 156))?.[1];
  if (bytes === undefined || sum === undefined) throw malformed('numbers', 'a size is not octal');
  if (Number.parseInt(sum, 8) !== sumOf(header))
    throw malformed('checksum', 'a header does not add up');
  if (!isZero(header.subarray(157, 257)) || !isZero(header.subarray(345)))
    throw malformed('no links', 'an entry names a link or a prefix');
  return { name: text(0, 100), type: text(156, 157), bytes: Number.parseInt(bytes, 8) };
}

const paxRecord = (path: string): Buffer => {
  const body = ` path=${path}\n`;
  let length = body.length + 1;
  while (String(length).length + body.length !== length) length += 1;
  return Buffer.from(`${String(length)}${body}`);
};

async function longName(handle: FileHandle, place: Place): Promise<string> {
  const [, path] =
    place.bytes > BLOCK
      ? []
      : (/^\d{1,3} path=([^\n\0]+)\n$/u.exec((await readPlace(handle, place)).toString('latin1')) ??
        []);
  if (path === undefined || place.bytes !== paxRecord(path).length)
    throw malformed('names', 'a pax header says more than a name');
  return path;
}

async function readAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, position);
  if (bytesRead !== length) throw malformed('end marker', 'it has no end');
  return buffer;
}

/** The checksum field itself counts as spaces. */
const sumOf = (header: Buffer): number =>
  header.reduce((sum, byte, at) => sum + (at >= 148 && at < 156 ? 0x20 : byte), 0);
const isZero = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0);
const shown = (name: string): string => JSON.stringify(name.slice(0, 120));
