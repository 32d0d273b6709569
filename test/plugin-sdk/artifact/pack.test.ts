import { describe, expect, test } from 'vitest';
import { digestOf, packArtifact, readArtifact } from '@runtime-hub/plugin-sdk/artifact';
import { BLOCK, checksumOf, refusalOf, tarOf } from './tar-parts.ts';

const files = new Map([
  ['plugin.js', Buffer.from('export default {};\n')],
  ['vendor/b.bin', Buffer.alloc(1025, 7)],
  ['manifest.json', Buffer.from('{}\n')],
  ['vendor/a.bin', Buffer.alloc(512, 9)],
  ['empty.txt', Buffer.alloc(0)],
]);
const packed = packArtifact(files);
const tar = tarOf(packed);

/** Name, size and header of each entry, read by the letter of IEEE 1003.1 and not by the reader under test. */
function headersOf(archive: Buffer): { name: string; size: number; header: Buffer }[] {
  const found = [];
  let at = 0;
  while (archive[at] !== 0) {
    const header = archive.subarray(at, at + BLOCK);
    const name = header.subarray(0, header.indexOf(0)).toString();
    const size = Number.parseInt(header.subarray(124, 135).toString(), 8);
    found.push({ name, size, header });
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
  return found;
}

const names = headersOf(tar).map(({ name }) => name);

describe('the same files give the same bytes', () => {
  test('on a second pack', () => {
    expect(Buffer.compare(packArtifact(files), packed)).toBe(0);
  });

  test('in whatever order they are given', () => {
    const reversed = new Map([...files].reverse());
    expect(digestOf(packArtifact(reversed))).toBe(digestOf(packed));
  });

  test('and other files give other bytes', () => {
    const other = new Map(files).set('plugin.js', Buffer.from('export default 1;\n\n'));
    expect(digestOf(packArtifact(other))).not.toBe(digestOf(packed));
  });

  test('and the bytes that came in are left as they were', () => {
    const bytes = Buffer.from('mine');
    packArtifact(new Map([['a', bytes]]));
    expect(bytes.toString()).toBe('mine');
  });
});

describe('the archive', () => {
  test('holds the files sorted by path, all below package/', () => {
    expect(names).toEqual([
      'package/empty.txt',
      'package/manifest.json',
      'package/plugin.js',
      'package/vendor/a.bin',
      'package/vendor/b.bin',
    ]);
  });

  test.each(names)('%s is a regular file of owner 0, mode 0644, time 0, without a link', (name) => {
    const header = headersOf(tar).find((it) => it.name === name)?.header ?? Buffer.alloc(0);
    const text = (start: number, end: number): string =>
      header.subarray(start, end).toString('latin1');
    expect({
      mode: text(100, 108),
      uid: text(108, 116),
      gid: text(116, 124),
      mtime: text(136, 148),
      checksum: text(148, 156),
      type: text(156, 157),
      magic: text(257, 265),
    }).toEqual({
      mode: '0000644\0',
      uid: '0000000\0',
      gid: '0000000\0',
      mtime: '00000000000\0',
      checksum: checksumOf(header),
      type: '0',
      magic: 'ustar\u000000',
    });
    expect(
      [...header.subarray(157, 257), ...header.subarray(265, 512)].every((it) => it === 0),
    ).toBe(true);
  });

  test('has zero padding and ends with exactly two zero blocks', () => {
    const entries = headersOf(tar);
    const length = entries.reduce(
      (sum, { size }) => sum + BLOCK + Math.ceil(size / BLOCK) * BLOCK,
      0,
    );
    expect(tar.length).toBe(length + 2 * BLOCK);
    expect(tar.subarray(length).every((byte) => byte === 0)).toBe(true);
  });

  test('is one gzip member without name, comment, time or system', () => {
    expect([...packed.subarray(0, 10)]).toEqual([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255]);
  });
});

describe('what was packed is read back', () => {
  test('byte by byte, with the digest of the packed bytes', () => {
    const artifact = readArtifact(packed);
    expect([...artifact.files].map(([path, bytes]) => [path, Buffer.from(bytes)])).toEqual(
      [...files].sort(([a], [b]) => (a < b ? -1 : 1)),
    );
    expect(artifact.digest).toBe(digestOf(packed));
    expect(artifact.digest).toMatch(/^sha512-[0-9a-f]{128}$/u);
  });

  test('names in other scripts and a path of exactly 100 bytes', () => {
    const long = 'ü'.repeat(46);
    const back = readArtifact(
      packArtifact(
        new Map([
          [long, Buffer.from('1')],
          ['日本/語.txt', Buffer.from('2')],
        ]),
      ),
    );
    expect(Buffer.byteLength(`package/${long}`)).toBe(100);
    expect([...back.files.keys()]).toEqual([long, '日本/語.txt']);
  });

  test('nothing at all', () => {
    expect(readArtifact(packArtifact(new Map())).files.size).toBe(0);
  });

  test('the bytes of a view into a larger buffer, and no others', () => {
    const large = Buffer.from('before-inside-after');
    const back = readArtifact(packArtifact(new Map([['a', large.subarray(7, 13)]])));
    expect(Buffer.from(back.files.get('a') ?? []).toString()).toBe('inside');
  });
});

describe('refused inputs', () => {
  test.each([['ü'.repeat(46) + 'x'], ['a'.repeat(93)], [`${'d/'.repeat(60)}a`]])(
    'the path %s is too long for the name field',
    (path) => {
      expect(() => packArtifact(new Map([[path, Buffer.from('x')]]))).toThrow(
        /too long for an artifact/u,
      );
    },
  );

  test.each([
    ['../up.txt', 'traversal'],
    ['/etc/passwd', 'traversal'],
    ['a//b', 'traversal'],
    ['', 'traversal'],
    ['a\\b', 'names'],
    ['a\0b', 'names'],
    ['C:x', 'names'],
    ['nul.txt', 'names'],
    ['end. ', 'names'],
  ])('the path %j never becomes a readable artifact', (path, rule) => {
    const made = packArtifact(new Map([[path, Buffer.from('x')]]));
    expect(refusalOf(() => readArtifact(made))).toBe(`ARTIFACT_MALFORMED: ${rule}`);
  });

  test('paths that differ only in case never become a readable artifact', () => {
    const made = packArtifact(
      new Map([
        ['a.txt', Buffer.from('1')],
        ['A.TXT', Buffer.from('2')],
      ]),
    );
    expect(refusalOf(() => readArtifact(made))).toBe('ARTIFACT_MALFORMED: collision');
  });
});
