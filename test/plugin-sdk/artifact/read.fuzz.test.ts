import fc from 'fast-check';
import { expect, test } from 'vitest';
import { packArtifact, parseManifest, readArtifact } from '@runtime-hub/plugin-sdk/artifact';
import { manifestJson } from '../../../plugin-sdk/artifact/statement.ts';
import { manifestFor, nodeFor } from './release-parts.ts';
import { BLOCK, archive, checksumOf, entry, gzip, refusalOf, tarOf } from './tar-parts.ts';

const RUNS = { numRuns: 300 };
const MB = 1024 * 1024;

const files = new Map([
  ['LICENSE', Buffer.from('Apache-2.0\n'.repeat(40))],
  ['manifest.json', Buffer.from(JSON.stringify(manifestFor({ nodes: [nodeFor()] })))],
  ['plugin.js', Buffer.from('export default {};\n'.repeat(60))],
  ['vendor/empty', Buffer.alloc(0)],
  ['vendor/whole-block', Buffer.alloc(BLOCK, 5)],
]);
const packed = Buffer.from(packArtifact(files));
const tar = tarOf(packed);

/** What the reader and the manifest's parser make of it; anything but a refusal by its code goes on its way and fails. */
function outcomeOf(bytes: Uint8Array): string {
  const outcome = refusalOf(() => parseManifest(manifestJson(readArtifact(bytes))));
  expect(outcome).toMatch(/^(?:accepted|MANIFEST_INVALID|ARTIFACT_MALFORMED: [a-z8 ]+)$/u);
  return outcome;
}

type Edit = readonly [kind: 'flip' | 'insert' | 'delete' | 'copy', at: number, bytes: Uint8Array];
const edits = fc.array(
  fc.tuple(
    fc.constantFrom('flip' as const, 'insert' as const, 'delete' as const, 'copy' as const),
    fc.nat(),
    fc.uint8Array({ minLength: 1, maxLength: 600 }),
  ),
  { minLength: 1, maxLength: 4 },
);

function edited(original: Buffer, changes: readonly Edit[]): Buffer {
  return changes.reduce<Buffer>((bytes, [kind, place, more]) => {
    const at = place % (bytes.length + 1);
    if (kind === 'insert') return Buffer.concat([bytes.subarray(0, at), more, bytes.subarray(at)]);
    if (kind === 'delete')
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + more.length)]);
    if (kind === 'copy')
      return Buffer.concat([
        bytes.subarray(0, at),
        bytes.subarray(at >> 1, at),
        bytes.subarray(at),
      ]);
    const flipped = Buffer.from(bytes);
    const last = Math.max(0, Math.min(at, flipped.length - 1));
    if (flipped.length > 0) flipped[last] = (flipped[last] ?? 0) ^ (1 << ((more[0] ?? 0) & 7));
    return flipped;
  }, original);
}

const contents = (from: ReadonlyMap<string, Uint8Array>): [string, string][] =>
  [...from].map(([path, bytes]) => [path, Buffer.from(bytes).toString('latin1')]);

/** True when every path stays below its folder; by other means than the reader's. */
const isSafe = (path: string): boolean =>
  new URL(path.replaceAll('%', '%25'), 'file:///root/package/').href.startsWith(
    'file:///root/package/',
  ) && !/^[/\\]|\\|\.\.(?:\/|$)/u.test(path);

test('changed packed bytes are refused, or hold exactly what was packed', () => {
  fc.assert(
    fc.property(edits, (changes) => {
      const bytes = edited(packed, changes);
      if (outcomeOf(bytes) !== 'accepted') return;
      expect(contents(readArtifact(bytes).files)).toEqual(contents(files));
    }),
    RUNS,
  );
});

test('a changed archive, well packed again, is refused or holds only what a plain packing would give back', () => {
  fc.assert(
    fc.property(edits, (changes) => {
      const bytes = gzip(edited(tar, changes));
      outcomeOf(bytes);
      if (refusalOf(() => readArtifact(bytes)) !== 'accepted') return;
      const { files: found } = readArtifact(bytes);
      expect([...found.keys()].filter((path) => !isSafe(path))).toEqual([]);
      const sorted = new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
      expect(contents(readArtifact(packArtifact(found)).files)).toEqual(contents(sorted));
    }),
    RUNS,
  );
});

test('changes inside headers whose checksum is made right again reach no further', () => {
  const place = fc.tuple(fc.nat({ max: BLOCK - 1 }), fc.nat({ max: 255 }));
  fc.assert(
    fc.property(fc.array(place, { minLength: 1, maxLength: 6 }), (changes) => {
      const header = entry({ name: 'package/a.txt', bytes: 'x'.repeat(700) });
      for (const [at, byte] of changes) header[at] = byte;
      header.write(checksumOf(header.subarray(0, BLOCK)), 148, 'latin1');
      const bytes = gzip(archive(header, entry({ name: 'package/b.txt' })));
      const said = refusalOf(() => readArtifact(bytes));
      expect(said).toMatch(/^(?:accepted|ARTIFACT_MALFORMED: [a-z8 ]+)$/u);
      if (said !== 'accepted') return;
      const { files: found } = readArtifact(bytes);
      expect([...found.keys()].filter((path) => !isSafe(path))).toEqual([]);
      expect([...found.values()].reduce((sum, it) => sum + it.length, 0)).toBeLessThanOrEqual(701);
    }),
    RUNS,
  );
});

test('random headers and random text are refused', () => {
  const header = fc.record({
    name: fc.oneof(
      fc.string({ maxLength: 100 }),
      fc.string({ unit: 'binary' }).map((it) => `package/${it}`),
    ),
    mode: fc.oneof(fc.constant('0000644\0'), fc.string({ maxLength: 8 })),
    size: fc.oneof(
      fc.constant('00000000001\0'),
      fc.string({ maxLength: 12 }),
      fc.uint8Array({ maxLength: 12 }).map((it) => Buffer.from(it)),
    ),
    type: fc.oneof(fc.constant('0'), fc.string({ maxLength: 1 })),
    linkName: fc.oneof(fc.constant(''), fc.string({ maxLength: 100 })),
    prefix: fc.oneof(fc.constant(''), fc.string({ maxLength: 155 })),
  });
  fc.assert(
    fc.property(
      fc.array(header, { maxLength: 5 }),
      fc.uint8Array({ maxLength: 200 }),
      (headers, noise) => {
        const bytes = gzip(archive(...headers.map((parts) => entry(parts))));
        const said = refusalOf(() => readArtifact(bytes));
        if (said === 'accepted') {
          expect([...readArtifact(bytes).files.keys()].filter((path) => !isSafe(path))).toEqual([]);
        }
        expect(said).toMatch(/^(?:accepted|ARTIFACT_MALFORMED: [a-z8 ]+)$/u);
        expect(refusalOf(() => readArtifact(noise))).toBe('ARTIFACT_MALFORMED: gzip');
      },
    ),
    RUNS,
  );
});

test('however it is changed, reading costs less than a second of processor time', () => {
  const large = Buffer.concat([
    tar.subarray(0, -2 * BLOCK),
    archive(entry({ name: 'package/z', bytes: Buffer.alloc(4 * MB, 1) })),
  ]);
  fc.assert(
    fc.property(edits, (changes) => {
      const bytes = gzip(edited(large, changes));
      const before = process.cpuUsage();
      outcomeOf(bytes);
      const { user, system } = process.cpuUsage(before);
      expect((user + system) / 1000).toBeLessThan(1000);
    }),
    { numRuns: 20 },
  );
});
