import { describe, expect, test } from 'vitest';
import { archive, entry, read, readOne } from '../../plugin-sdk/artifact/tar-parts.ts';

const named = (...paths: readonly string[]): string =>
  read(archive(...paths.map((path) => entry({ name: `package/${path}` }))));

test('the parts these attacks are made from are a good archive when nothing is wrong with them', () => {
  expect(readOne({})).toBe('accepted');
  expect(named('a.txt', 'b.txt', 'c/d.txt')).toBe('accepted');
});

describe('a path that leaves its folder is refused', () => {
  test.each([
    ['package/../evil'],
    ['package/a/../../evil'],
    ['package/..'],
    ['package/.'],
    ['package/./a'],
    ['package//etc/passwd'],
    ['package/a//b'],
    ['package/a/'],
    ['package/'],
  ])('%s', (name) => {
    expect(readOne({ name })).toBe('ARTIFACT_MALFORMED: traversal');
  });

  test.each([
    ['/etc/passwd'],
    ['../package/a'],
    ['./package/a'],
    ['package'],
    ['packages/a'],
    ['PACKAGE/a'],
    ['other/a'],
    ['C:\\a'],
    ['\\\\server\\share'],
    [''],
  ])('%j, which is not below package/', (name) => {
    expect(readOne({ name })).toBe('ARTIFACT_MALFORMED: prefix');
  });

  test('the prefix field, which would stand before the name', () => {
    expect(readOne({ prefix: '/etc' })).toBe('ARTIFACT_MALFORMED: path length');
    expect(readOne({ prefix: '..' })).toBe('ARTIFACT_MALFORMED: path length');
  });
});

describe('anything but a regular file is refused', () => {
  test.each([
    ['old regular file', '\0'],
    ['hard link', '1'],
    ['symbolic link', '2'],
    ['character device', '3'],
    ['block device', '4'],
    ['folder', '5'],
    ['FIFO', '6'],
    ['contiguous file', '7'],
    ['PAX header', 'x'],
    ['PAX global header', 'g'],
    ['Solaris PAX header', 'X'],
    ['GNU long name', 'L'],
    ['GNU long link', 'K'],
    ['GNU sparse file', 'S'],
    ['GNU dump folder', 'D'],
    ['GNU continuation', 'M'],
    ['GNU volume label', 'V'],
    ['Solaris ACL', 'A'],
    ['unknown type', 'Z'],
  ])('%s', (_name, type) => {
    expect(readOne({ type })).toBe('ARTIFACT_MALFORMED: regular files only');
  });

  test('links, wherever they lead, even in the guise of a file', () => {
    for (const linkName of ['package/b', '../../etc/passwd', '/etc/passwd', 'C:evil']) {
      expect(readOne({ type: '1', linkName })).toBe('ARTIFACT_MALFORMED: regular files only');
      expect(readOne({ type: '2', linkName })).toBe('ARTIFACT_MALFORMED: regular files only');
      expect(readOne({ type: '0', linkName })).toBe('ARTIFACT_MALFORMED: no links');
    }
  });

  test('a chain of links with a write through it (CVE-2026-26960)', () => {
    const chain = archive(
      entry({ name: 'package/a', type: '2', linkName: '..' }),
      entry({ name: 'package/b', type: '1', linkName: 'package/a/..' }),
      entry({ name: 'package/b/evil' }),
    );
    expect(read(chain)).toBe('ARTIFACT_MALFORMED: regular files only');
  });

  test.each([
    ['path', '27 path=package/../../evil\n'],
    ['size', '15 size=999999\n'],
    ['linkpath', '24 linkpath=/etc/passwd\n'],
    ['a sparse map', '22 GNU.sparse.major=1\n'],
  ])('a PAX header that changes %s of the next file', (_name, bytes) => {
    for (const type of ['x', 'g'])
      expect(read(archive(entry({ type, bytes }), entry()))).toBe(
        'ARTIFACT_MALFORMED: regular files only',
      );
  });
});

describe('two names for one place are refused', () => {
  test.each([
    ['the same path twice', 'a.txt', 'a.txt'],
    ['upper and lower case', 'a.txt', 'A.TXT'],
    ['sharp s', 'straße', 'STRASSE'],
    ['long s', 'ſ.js', 's.js'],
    ['composed and decomposed letters', '\u00e9', 'e\u0301'],
    ['ligatures', '\ufb01le', 'file'],
    ['full-width letters', '\uff41', 'a'],
    ['Kelvin and K', '\u212a', 'k'],
    ['final sigma', 'ς', 'σ'],
    ['case of a folder', 'a/x', 'A/x'],
    ['a file and a folder', 'a', 'a/b'],
    ['a folder and a file', 'a/b', 'a'],
    ['a file and a folder in other case', 'DIR', 'dir/b/c'],
  ])('%s', (_name, first, second) => {
    expect(named(first, second)).toBe('ARTIFACT_MALFORMED: collision');
  });
});

describe('a name that means something else elsewhere is refused', () => {
  test.each([
    ...[
      'con',
      'NUL',
      'aux.js',
      'PRN.tar.gz',
      'com1',
      'LPT9.txt',
      'a/com0/b',
      'nul .txt',
      'CONIN$',
      'conout$',
    ],
    ...[
      'COM\u00b9',
      'lpt\u00b3.js',
      '\uff23\uff2f\uff2e',
      'a.',
      'a ',
      'a./b',
      'dir /b',
      '...',
      ' . ',
    ],
    ...['a\\b', '..\\evil', 'C:evil', 'a:stream', 'a?', 'a*', 'a|b', 'a<b', 'a>b', 'a"b'],
    ...[
      'a\nb',
      'a\tb',
      'a\u001bb',
      'a\u007f',
      'a\u0085b',
      'a\u200bb',
      'a\u200d',
      '\ufeffa',
      'a\u202egpj.js',
    ],
    ...['a\u2028b', 'a\u00adb', 'a\u2066b'],
  ])('%j', (path) => {
    expect(named(path)).toBe('ARTIFACT_MALFORMED: names');
  });

  test('bytes after the NUL that ends it', () => {
    expect(readOne({ name: 'package/a.js\0.txt' })).toBe('ARTIFACT_MALFORMED: names');
    expect(readOne({ name: 'package/a\0/../../b' })).toBe('ARTIFACT_MALFORMED: names');
  });

  test.each([
    ['a lone continuation byte', Buffer.from([0x80])],
    ['an overlong slash', Buffer.from([0xc0, 0xaf])],
    ['a surrogate', Buffer.from([0xed, 0xa0, 0x80])],
    ['a cut-off sequence', Buffer.from([0xe2, 0x82])],
  ])('UTF-8 with %s', (_name, bytes) => {
    const name = Buffer.concat([Buffer.from('package/'), bytes]);
    expect(readOne({ name })).toBe('ARTIFACT_MALFORMED: names');
  });

  test.each([
    'console.js',
    'nully',
    'com10',
    'lpt',
    '.hidden',
    'a b',
    '日本語',
    '__proto__',
    'constructor',
    '-rf',
    '~',
  ])('but %j is a name like any other', (path) => {
    expect(named(path)).toBe('accepted');
  });
});
