import { HubError } from '../contract/index.ts';

export const BLOCK = 512;
export const PREFIX = 'package/';
export const MAX_FILES = 2000;

/** Where an entry's fields stand in its header (IEEE 1003.1-2017, pax: ustar interchange format). */
const FIELD = {
  name: [0, 100],
  mode: [100, 108],
  size: [124, 136],
  checksum: [148, 156],
  type: [156, 157],
  linkName: [157, 257],
  magic: [257, 265],
  prefix: [345, 500],
} as const;

/** Devices on Windows, whatever extension or spaces follow; compared after NFKC, which makes COM1 of COM¹. */
const WINDOWS_NAMES = /^(con|prn|aux|nul|com[0-9]|lpt[0-9]|conin\$|conout\$) *(\..*)?$/iu;

/** A refusal that names the rule that was broken. */
export function broken(rule: string, detail: string): HubError<'ARTIFACT_MALFORMED'> {
  return new HubError('ARTIFACT_MALFORMED', { rule, detail });
}

/** Reads an archive of regular files under `package/`; anything else is refused, nothing is ever written. */
export function readArchive(archive: Buffer): ReadonlyMap<string, Uint8Array> {
  if (archive.length % BLOCK !== 0) throw broken('whole blocks', 'the archive is cut off');
  const files = new Map<string, Uint8Array>();
  const places = new PlaceSet();
  let offset = 0;
  for (;;) {
    const header = archive.subarray(offset, offset + BLOCK);
    if (header.length < BLOCK) throw broken('end marker', 'the archive has no end');
    if (isZero(header)) break;
    const { path, size } = entryOf(header);
    const start = offset + BLOCK;
    offset = start + Math.ceil(size / BLOCK) * BLOCK;
    if (offset > archive.length) throw broken('whole files', `${path} is cut off`);
    if (!isZero(archive.subarray(start + size, offset)))
      throw broken('padding', `${path} hides bytes in its padding`);
    places.add(path);
    files.set(path, archive.subarray(start, start + size));
    if (files.size > MAX_FILES) throw broken('file count', `more than ${String(MAX_FILES)} files`);
  }
  if (!isZero(archive.subarray(offset)) || archive.length - offset < 2 * BLOCK) {
    throw broken('end marker', 'there are bytes after the end');
  }
  return files;
}

function entryOf(header: Buffer): { readonly path: string; readonly size: number } {
  const field = (name: keyof typeof FIELD): Buffer => header.subarray(...FIELD[name]);
  if (field('magic').toString('latin1') !== 'ustar\u000000')
    throw broken('format', 'an entry is not POSIX ustar');
  checkSum(header, field('checksum'));
  const name = textOf(field('name'), 'name');
  if (field('type').toString('latin1') !== '0')
    throw broken('regular files only', `${shown(name)} is something else`);
  if (!isZero(field('linkName'))) throw broken('no links', `${shown(name)} names a link target`);
  if (!isZero(field('prefix'))) throw broken('path length', `${shown(name)} uses the prefix field`);
  if ((octal(field('mode'), 'mode') & 0o7133) !== 0)
    throw broken('mode', `${shown(name)} is special, executable or writable by others`);
  return { path: checkPath(name), size: octal(field('size'), 'size') };
}

function checkSum(header: Buffer, field: Buffer): void {
  let sum = 0;
  for (const [at, byte] of header.entries()) sum += at >= 148 && at < 156 ? 0x20 : byte;
  if (octal(field, 'checksum') !== sum)
    throw broken('checksum', 'an entry’s header does not add up');
}

/** Digits 0-7, then only NUL or space; a negative or base-256 number is refused. */
function octal(field: Buffer, what: string): number {
  const match = /^([0-7]+)[\0 ]*$/u.exec(field.toString('latin1'));
  if (match?.[1] === undefined) throw broken('numbers', `the ${what} of an entry is not octal`);
  return Number.parseInt(match[1], 8);
}

function textOf(field: Buffer, what: string): string {
  const end = field.indexOf(0);
  const used = end < 0 ? field : field.subarray(0, end);
  if (end >= 0 && !isZero(field.subarray(end))) throw broken('names', `a ${what} has a NUL inside`);
  const text = used.toString('utf8');
  if (!Buffer.from(text).equals(used)) throw broken('names', `a ${what} is not UTF-8`);
  return text;
}

function checkPath(name: string): string {
  if (!name.startsWith(PREFIX)) throw broken('prefix', `${shown(name)} is not under ${PREFIX}`);
  const path = name.slice(PREFIX.length);
  // Format characters turn text around or vanish: on HFS+ a zero-width joiner is no part of a name.
  if (/[\\:<>"|?*\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(path))
    throw broken('names', `${shown(name)} has a forbidden character`);
  for (const part of path.split('/')) {
    if (part === '' || part === '.' || part === '..')
      throw broken('traversal', `${shown(name)} leaves its folder`);
    if (/[. ]$/u.test(part) || WINDOWS_NAMES.test(part.normalize('NFKC')))
      throw broken('names', `${shown(name)} means something else elsewhere`);
  }
  return path;
}

/** Knows when two paths would be one file, or a file and a folder, on some file system. */
class PlaceSet {
  readonly #files = new Set<string>();
  readonly #folders = new Set<string>();

  add(path: string): void {
    const folded = path.normalize('NFKC').toLowerCase().toUpperCase().normalize('NFKC');
    if (this.#files.has(folded) || this.#folders.has(folded))
      throw broken('collision', `${shown(path)} is there twice`);
    const parts = folded.split('/');
    for (let depth = 1; depth < parts.length; depth++) {
      const folder = parts.slice(0, depth).join('/');
      if (this.#files.has(folder)) throw broken('collision', `${shown(path)} is inside a file`);
      this.#folders.add(folder);
    }
    this.#files.add(folded);
  }
}

function isZero(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at++) if (bytes[at] !== 0) return false;
  return true;
}

function shown(name: string): string {
  return JSON.stringify(name.slice(0, 120));
}
