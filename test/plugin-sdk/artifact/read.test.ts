import { deflateRawSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { packArtifact, readArtifact } from '@runtime-hub/plugin-sdk/artifact';
import { manifestJson } from '../../../plugin-sdk/artifact/statement.ts';
import { archive, entry, gzip, refusalOf, tarOf } from './tar-parts.ts';

const packed = packArtifact(new Map([['manifest.json', Buffer.from('{}\n')]]));
const read = (bytes: Uint8Array): string => refusalOf(() => readArtifact(bytes));
const withByte = (at: number, value: number): Uint8Array =>
  Uint8Array.from(packed).fill(value, at, at + 1);
const MB = 1024 * 1024;

describe('the gzip layer', () => {
  test.each([
    ['nothing', Buffer.alloc(0)],
    ['text', Buffer.from('hello, this is no archive')],
    ['a plain tar', tarOf(packed)],
    ['a header without more', packed.subarray(0, 10)],
    ['another compression method', withByte(2, 7)],
    ['a file name in the header', withByte(3, 8)],
    ['a comment in the header', withByte(3, 16)],
    ['an extra field in the header', withByte(3, 4)],
    ['a header checksum', withByte(3, 2)],
    ['reserved flags', withByte(3, 0x80)],
    ['zlib instead of gzip', withByte(0, 0x78)],
    ['a second, empty member', Buffer.concat([packed, gzipSync('')])],
    ['a second member with another archive', Buffer.concat([packed, packed])],
    ['one byte after the end', Buffer.concat([packed, Buffer.from([0])])],
    [
      'a zip after the end',
      Buffer.concat([packed, Buffer.from('PK\u0003\u0004'), Buffer.alloc(100_000)]),
    ],
    ['a wrong length in the trailer', withByte(packed.length - 1, 1)],
    ['a wrong checksum in the trailer', withByte(packed.length - 8, (packed.at(-8) ?? 0) ^ 1)],
    ['a reserved block type', withByte(10, 0xff)],
  ])('refuses %s', (_name, bytes) => {
    expect(read(bytes)).toBe('ARTIFACT_MALFORMED: gzip');
  });

  test('refuses an artifact cut off at any byte', () => {
    const accepted = [...packed.keys()].filter(
      (length) => read(packed.subarray(0, length)) !== 'ARTIFACT_MALFORMED: gzip',
    );
    expect(accepted).toEqual([]);
  });

  test('does not care which time, level or system the header names', () => {
    expect(read(withByte(4, 9))).toBe('accepted');
    expect(read(withByte(8, 0))).toBe('accepted');
    expect(read(withByte(9, 3))).toBe('accepted');
  });
});

describe('limits', () => {
  test('64 MB unpacked are read, one byte more is refused without being kept', () => {
    expect(read(gzip(Buffer.alloc(64 * MB)))).toBe('accepted');
    expect(read(gzip(Buffer.alloc(64 * MB + 1)))).toBe('ARTIFACT_MALFORMED: size');
  });

  test('a bomb of 512 MB costs no more memory than the limit twice over', () => {
    const bomb = gzipOfZeros(512);
    expect(bomb.length).toBeLessThan(MB);
    const before = process.memoryUsage().rss;
    expect(read(bomb)).toBe('ARTIFACT_MALFORMED: size');
    expect(process.memoryUsage().rss - before).toBeLessThan(192 * MB);
  });

  test('over 20 MB packed is refused before it is unpacked', () => {
    expect(read(Buffer.alloc(20 * MB + 1))).toBe('ARTIFACT_MALFORMED: size');
    expect(read(Buffer.alloc(20 * MB))).toBe('ARTIFACT_MALFORMED: gzip');
  });

  test('2,000 files are read, one more is refused, and so are 10,000', () => {
    const files = (count: number): Uint8Array =>
      packArtifact(
        new Map(Array.from({ length: count }, (_, at) => [`f${String(at)}`, Buffer.alloc(0)])),
      );
    expect(read(files(2000))).toBe('accepted');
    expect(read(files(2001))).toBe('ARTIFACT_MALFORMED: file count');
    expect(read(files(10_000))).toBe('ARTIFACT_MALFORMED: file count');
  });
});

describe('the manifest', () => {
  const manifestOf = (bytes: Uint8Array): string =>
    refusalOf(() => manifestJson(readArtifact(bytes)));
  const holding = (text: string | Buffer): Uint8Array =>
    packArtifact(new Map([['manifest.json', Buffer.from(text)]]));

  test('may stand anywhere in the archive', () => {
    const late = archive(
      entry({ name: 'package/z.txt' }),
      entry({ name: 'package/manifest.json', bytes: '{}' }),
    );
    expect(manifestOf(gzip(late))).toBe('accepted');
  });

  test.each([
    ['missing', packArtifact(new Map([['plugin.js', Buffer.from('1')]]))],
    ['missing from an empty archive', packArtifact(new Map())],
    ['in a folder', packArtifact(new Map([['a/manifest.json', Buffer.from('{}')]]))],
    ['in upper case', packArtifact(new Map([['MANIFEST.JSON', Buffer.from('{}')]]))],
    ['empty', holding('')],
    ['no JSON', holding('{id: 1}')],
    ['not UTF-8', holding(Buffer.from([0x22, 0xff, 0x22]))],
    ['UTF-16', holding(Buffer.from('\ufeff{}', 'utf16le'))],
    ['with a key twice', holding('{"id":"a/bb","id":"c/dd"}')],
    ['with __proto__', holding('{"__proto__":{"id":"a/bb"}}')],
    ['nested too deep', holding(`${'['.repeat(101)}${']'.repeat(101)}`)],
    ['over 1 MB', holding(JSON.stringify('x'.repeat(MB)))],
  ])('is refused when it is %s', (_name, bytes) => {
    expect(manifestOf(bytes)).toBe('ARTIFACT_MALFORMED: manifest');
  });

  test('is refused when it is there twice', () => {
    const one = entry({ name: 'package/manifest.json', bytes: '{}' });
    expect(manifestOf(gzip(archive(one, one)))).toBe('ARTIFACT_MALFORMED: collision');
  });
});

/** `megabytes` of zeros as one gzip member, without ever holding them: the same deflated block again and again. */
function gzipOfZeros(megabytes: number): Buffer {
  const block = deflateRawSync(Buffer.alloc(MB), { finishFlush: 3 });
  return Buffer.concat([
    Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255]),
    ...Array.from({ length: megabytes }, () => block),
    deflateRawSync(Buffer.alloc(0)),
    Buffer.alloc(8),
  ]);
}
