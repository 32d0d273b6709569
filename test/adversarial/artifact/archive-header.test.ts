import { describe, expect, test } from 'vitest';
import { BLOCK, archive, entry, read, readOne } from '../../plugin-sdk/artifact/tar-parts.ts';

describe('special modes are refused', () => {
  test.each([
    ['0000755'],
    ['0000645'],
    ['0000666'],
    ['0000664'],
    ['0000777'],
    ['0004644'],
    ['0002644'],
    ['0001644'],
  ])('%s', (mode) => {
    expect(readOne({ mode: `${mode}\0` })).toBe('ARTIFACT_MALFORMED: mode');
  });

  test('but 0600, 0444 and the file type that some programs add are read', () => {
    for (const mode of ['0000600', '0000444', '0100644'])
      expect(readOne({ mode: `${mode}\0` })).toBe('accepted');
  });
});

describe('numbers that readers understand differently are refused', () => {
  const base256 = (first: number, value: number): Buffer => {
    const bytes = Buffer.alloc(12);
    bytes[0] = first;
    bytes.writeUInt32BE(value, 8);
    return bytes;
  };

  test.each([
    ['base-256', base256(0x80, 1)],
    ['a negative base-256 number', Buffer.alloc(12, 0xff)],
    ['a minus sign', '-0000000001\0'],
    ['a plus sign', '+0000000001\0'],
    ['hexadecimal', '0x000000001\0'],
    ['the digit 8', '00000000008\0'],
    ['spaces before it', '          1\0'],
    ['digits after its end', '0000001\x00001\0'],
    ['nothing', Buffer.alloc(12)],
    ['text', 'one'],
    ['a point', '1.5'],
    ['an exponent', '1e3'],
  ])('a size in %s', (_name, size) => {
    expect(readOne({ size })).toBe('ARTIFACT_MALFORMED: numbers');
  });

  test.each([
    ['more than there is', '00000004000\0'],
    ['8 GB', '77777777777\0'],
    ['64 GB', '777777777777'],
  ])('a size of %s', (_name, size) => {
    expect(readOne({ size })).toBe('ARTIFACT_MALFORMED: whole files');
  });

  test('a size that swallows the end marker', () => {
    expect(readOne({ size: '00000001001\0' })).toBe('ARTIFACT_MALFORMED: end marker');
  });

  test('a size that is smaller than what follows', () => {
    expect(readOne({ bytes: 'abc', size: '00000000001\0' })).toBe('ARTIFACT_MALFORMED: padding');
    expect(readOne({ bytes: 'abc', size: '00000000000\0' })).toBe('ARTIFACT_MALFORMED: format');
  });

  test('a mode that is no number', () => {
    expect(readOne({ mode: 'rw-r--r-' })).toBe('ARTIFACT_MALFORMED: numbers');
  });
});

describe('headers that are no POSIX ustar are refused', () => {
  test.each([
    ['GNU', 'ustar  \0'],
    ['version 01', 'ustar\x0001'],
    ['V7, without any magic', '\0\0\0\0\0\0\0\0'],
    ['upper case', 'USTAR\x0000'],
  ])('%s', (_name, magic) => {
    expect(readOne({ magic })).toBe('ARTIFACT_MALFORMED: format');
  });

  test.each([
    ['000000\0 ', 'checksum'],
    ['777777\0 ', 'checksum'],
    ['999999\0 ', 'numbers'],
    ['        ', 'numbers'],
    ['\0\0\0\0\0\0\0\0', 'numbers'],
  ])('a checksum of %j', (checksum, rule) => {
    expect(readOne({ checksum })).toBe(`ARTIFACT_MALFORMED: ${rule}`);
  });

  test('a checksum over signed bytes, as some old programs made it', () => {
    const header = entry({ name: 'package/ü' });
    const sum = Buffer.from(header.subarray(0, BLOCK)).fill(' ', 148, 156);
    const signed =
      sum.readInt8(0) +
      [...sum.subarray(1)].reduce((total, byte) => total + (byte > 127 ? byte - 256 : byte), 0);
    const checksum = `${signed.toString(8).padStart(6, '0')}\0 `;
    expect(readOne({ name: 'package/ü', checksum })).toBe('ARTIFACT_MALFORMED: checksum');
  });

  test('one bit changed anywhere in the header', () => {
    const good = archive(entry());
    const accepted = Array.from({ length: BLOCK * 8 }, (_, bit) => bit).filter((bit) => {
      const tar = Buffer.from(good);
      tar[bit >> 3] = (tar[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      return read(tar) === 'accepted';
    });
    // The checksum field ends in NUL and space; which of the two stands where says nothing.
    expect(accepted.filter((bit) => bit >> 3 < 154 || bit >> 3 > 155)).toEqual([]);
  });
});

describe('an archive that is not whole is refused', () => {
  const whole = archive(
    entry({ name: 'package/a', bytes: 'x'.repeat(1300) }),
    entry({ name: 'package/b' }),
  );

  test('cut off at any block', () => {
    const said = Array.from({ length: whole.length / BLOCK }, (_, blocks) =>
      read(whole.subarray(0, blocks * BLOCK)),
    );
    expect(said).toEqual([
      'ARTIFACT_MALFORMED: end marker',
      ...Array.from({ length: 3 }, () => 'ARTIFACT_MALFORMED: whole files'),
      'ARTIFACT_MALFORMED: end marker',
      'ARTIFACT_MALFORMED: whole files',
      'ARTIFACT_MALFORMED: end marker',
      'ARTIFACT_MALFORMED: end marker',
    ]);
    expect(read(whole)).toBe('accepted');
  });

  test('cut off within a block', () => {
    for (const length of [1, 511, 513, whole.length - 1])
      expect(read(whole.subarray(0, length))).toBe('ARTIFACT_MALFORMED: whole blocks');
  });

  test('with bytes in the padding of a file', () => {
    for (const at of [BLOCK + 1300, 3 * BLOCK + 511]) {
      const tar = Buffer.from(whole);
      tar[at] = 1;
      expect(read(tar)).toBe('ARTIFACT_MALFORMED: padding');
    }
  });

  test('with a file after the end marker, seen by readers that ignore zero blocks', () => {
    expect(read(Buffer.concat([whole, archive(entry({ name: 'package/evil' }))]))).toBe(
      'ARTIFACT_MALFORMED: end marker',
    );
    expect(read(Buffer.concat([whole, Buffer.from('#!/bin/sh'.padEnd(BLOCK))]))).toBe(
      'ARTIFACT_MALFORMED: end marker',
    );
  });

  test('with one zero block between two files', () => {
    expect(
      read(Buffer.concat([entry(), Buffer.alloc(BLOCK), archive(entry({ name: 'package/b' }))])),
    ).toBe('ARTIFACT_MALFORMED: end marker');
  });

  test('but more zero blocks at the end, as tar programs write them, are read', () => {
    expect(read(Buffer.concat([whole, Buffer.alloc(18 * BLOCK)]))).toBe('accepted');
  });
});
