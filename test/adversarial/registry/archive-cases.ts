import { gzipSync } from 'node:zlib';
import {
  BLOCK,
  archive,
  entry,
  gzip,
  type EntryParts,
} from '../../plugin-sdk/artifact/tar-parts.ts';

/** What is tried, the rule that refuses it, and the archive, packed. */
export type Case = readonly [name: string, rule: string, packed: Uint8Array];
const of = (name: string, rule: string, ...entries: readonly EntryParts[]): Case => [
  name,
  rule,
  gzip(archive(...entries.map(entry))),
];
const file = (path: string, bytes = 'x'): EntryParts => ({ name: `package/${path}`, bytes });
const link = (path: string, linkName: string, type: '1' | '2'): EntryParts => ({
  ...{ name: `package/${path}`, linkName, type, bytes: '' },
});
const whole = archive(entry(file('a.txt')), entry(file('b.txt')));
const base256 = (first: number, value: number): Buffer => {
  const bytes = Buffer.alloc(12);
  bytes[0] = first;
  bytes.writeUInt32BE(value, 8);
  return bytes;
};
const pax = (type: 'x' | 'g', record: string): EntryParts => {
  const length = String(record.length + 4 + (record.length > 95 ? 1 : 0));
  return { name: 'package/PaxHeader', type, bytes: `${length} ${record}\n` };
};
const withGzipFlags = (flags: number, more: Buffer): Buffer => {
  const packed = gzip(whole);
  packed[3] = flags;
  return Buffer.concat([packed.subarray(0, 10), more, packed.subarray(10)]);
};

const PLACES: readonly Case[] = [
  of('a path that climbs out of the box', 'traversal', { name: 'package/../../outside/evil' }),
  of('a path that climbs to its sibling', 'traversal', { name: 'package/../evil' }),
  of('a path that climbs from the first part', 'prefix', { name: '../outside/evil' }),
  of('an absolute path', 'prefix', { name: '/tmp/hub-untar-evil/x' }),
  of('a path beside package/', 'prefix', { name: 'evil.txt' }),
  of('an empty path', 'prefix', { name: '' }),
  of('a path with an empty part', 'traversal', { name: 'package//evil' }),
  of('a path in the prefix field', 'path length', { prefix: 'package', name: 'package/evil' }),
  of('a path of hundred folders', 'path length', {
    prefix: `package/${'d/'.repeat(70)}d`,
    name: 'deep',
  }),
];

const LINKS: readonly Case[] = [
  of(
    'a symbolic link and a file written through it',
    'regular files only',
    link('out', '../../outside', '2'),
    file('out/evil.txt'),
  ),
  of(
    'a symbolic link to a file outside',
    'regular files only',
    link('s', '../../outside/secret.txt', '2'),
  ),
  of('an absolute symbolic link', 'regular files only', link('s', '/etc/passwd', '2')),
  of(
    'a symbolic link that stays inside',
    'regular files only',
    file('a.txt'),
    link('s', 'a.txt', '2'),
  ),
  of(
    'a hard link to a file outside',
    'regular files only',
    link('h', '../outside/secret.txt', '1'),
  ),
  of('an absolute hard link', 'regular files only', link('h', '/etc/hostname', '1')),
  of('a hard link within', 'regular files only', file('a.txt'), link('h', 'package/a.txt', '1')),
  of(
    'a chain of links with a write at its end (CVE-2026-26960)',
    'regular files only',
    link('a', '..', '2'),
    link('b', 'package/a/../outside/secret.txt', '1'),
    file('b'),
  ),
  of('a drive-relative link', 'regular files only', link('s', 'C:..\\evil', '2')),
  of('a file that names a link target', 'no links', { ...file('a.txt'), linkName: '/etc/passwd' }),
];

const KINDS: readonly Case[] = [
  of('a FIFO', 'regular files only', { ...file('pipe', ''), type: '6' }),
  of('a character device', 'regular files only', { ...file('null', ''), type: '3' }),
  of('a block device', 'regular files only', { ...file('disk', ''), type: '4' }),
  of('a folder', 'regular files only', { ...file('d/', ''), type: '5' }),
  of('a contiguous file', 'regular files only', { ...file('a.txt'), type: '7' }),
  of('a sparse file', 'regular files only', { ...file('a.txt'), type: 'S' }),
  of('a kind nobody knows', 'regular files only', { ...file('a.txt'), type: 'Z' }),
  of('a setuid file', 'mode', { ...file('su'), mode: '0004755\0' }),
  of('a setgid file', 'mode', { ...file('sg'), mode: '0002755\0' }),
  of('an executable file', 'mode', { ...file('run'), mode: '0000755\0' }),
  of('a file that all may write', 'mode', { ...file('w'), mode: '0000666\0' }),
];

const NAMES: readonly Case[] = [
  of('two names that differ in case', 'collision', file('a.txt'), file('A.txt', 'y')),
  of('composed and decomposed letters', 'collision', file('\u00e9'), file('e\u0301', 'y')),
  of('sharp s and two s', 'collision', file('straße'), file('STRASSE', 'y')),
  of('one name twice', 'collision', file('plugin.js', 'good'), file('plugin.js', 'evil')),
  of('a file where a folder is', 'collision', file('a/b'), file('a', 'y')),
  of('a folder where a file is', 'collision', file('a'), file('a/b', 'y')),
  of('a backslash', 'names', file('..\\evil')),
  of('a drive letter', 'names', file('C:evil')),
  of('a stream of another file', 'names', file('a.txt:evil')),
  of('a device of Windows', 'names', file('CON')),
  of('a device of Windows with an extension', 'names', file('nul.js')),
  of('a trailing dot', 'names', file('plugin.js.')),
  of('a trailing space', 'names', file('plugin.js ')),
  of('a name that turns around', 'names', file('a\u202egpj.js')),
  of('a name with a zero-width letter', 'names', file('plu\u200bgin.js')),
  of('a name with a line break', 'names', file('a\nb')),
  of('a name with an escape sequence', 'names', file('a\u001b[2Jb')),
  of('a name with a NUL inside', 'names', { name: 'package/a.js\0.txt' }),
  of('a name that is no UTF-8', 'names', {
    name: Buffer.concat([Buffer.from('package/'), Buffer.of(0xc0, 0xaf)]),
  }),
];

const HEADERS: readonly Case[] = [
  of('a PAX path', 'regular files only', pax('x', 'path=../outside/evil'), file('a.txt')),
  of('a PAX size', 'regular files only', pax('x', 'size=4096'), file('a.txt')),
  of(
    'a PAX link path',
    'regular files only',
    pax('x', 'linkpath=/etc/passwd'),
    link('s', 'a', '2'),
  ),
  of('a PAX header for all', 'regular files only', pax('g', 'path=package/evil'), file('a.txt')),
  of(
    'a GNU long name',
    'format',
    { name: '././@LongLink', type: 'L', magic: 'ustar  \0', bytes: 'package/../../outside/evil\0' },
    file('a.txt'),
  ),
  of('a GNU archive', 'format', { ...file('a.txt'), magic: 'ustar  \0' }),
  of('an archive without magic', 'format', { ...file('a.txt'), magic: '\0\0\0\0\0\0\0\0' }),
  of('a negative size', 'numbers', { ...file('a.txt'), size: Buffer.alloc(12, 0xff) }),
  of('a size in base 256', 'numbers', { ...file('a.txt'), size: base256(0x80, 1) }),
  of('a size with a sign', 'numbers', { ...file('a.txt'), size: '-0000000001\0' }),
  of('a size that hides the next file', 'end marker', { ...file('a.txt'), size: '00000001001\0' }),
  of('a size beyond the end', 'whole files', { ...file('a.txt'), size: '00000004000\0' }),
  of('a wrong checksum', 'checksum', { ...file('a.txt'), checksum: '000000\0 ' }),
  of('bytes in the padding', 'padding', { ...file('a.txt', 'abc'), size: '00000000001\0' }),
];

const ENVELOPES: readonly Case[] = [
  ['an archive cut off in a file', 'whole files', gzip(whole.subarray(0, BLOCK))],
  ['an archive cut off in a block', 'whole blocks', gzip(whole.subarray(0, BLOCK + 100))],
  ['an archive without its end', 'end marker', gzip(whole.subarray(0, 4 * BLOCK))],
  [
    'a file after the end',
    'end marker',
    gzip(Buffer.concat([whole, archive(entry(file('evil')))])),
  ],
  ['a gzip file cut off', 'gzip', gzip(whole).subarray(0, -4)],
  [
    'a second gzip member',
    'gzip',
    Buffer.concat([gzip(whole), gzip(archive(entry(file('evil'))))]),
  ],
  [
    'bytes after the gzip member',
    'gzip',
    Buffer.concat([gzip(whole), Buffer.from('PK\u0003\u0004')]),
  ],
  ['a gzip file with a name', 'gzip', withGzipFlags(8, Buffer.from('../evil\0'))],
  ['a gzip file with a comment', 'gzip', withGzipFlags(16, Buffer.from('hidden\0'))],
  ['a plain tar', 'gzip', whole],
  [
    'a bomb of 70 MB in 70 kB',
    'size',
    gzipSync(archive(entry({ ...file('zeros'), bytes: Buffer.alloc(70 * 1024 * 1024) }))),
  ],
  of(
    'more files than a plugin may have',
    'file count',
    ...Array.from({ length: 2001 }, (_, index) => file(`f${String(index)}`, '')),
  ),
];

/** Everything that is tried, by kind. */
export const ARCHIVES: readonly (readonly [kind: string, cases: readonly Case[]])[] = [
  ['a file where it does not belong', PLACES],
  ['a link', LINKS],
  ['something other than a plain file', KINDS],
  ['a name with two meanings', NAMES],
  ['a header that readers understand differently', HEADERS],
  ['an archive that is not one whole', ENVELOPES],
];
