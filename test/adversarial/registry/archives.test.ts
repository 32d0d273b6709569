import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packArtifact, readArtifact } from '@runtime-hub/plugin-sdk/artifact';
import { create } from 'tar';
import { describe, expect, test } from 'vitest';
import { BLOCK, checksumOf, gzip, tarOf } from '../../plugin-sdk/artifact/tar-parts.ts';
import { temporaryFolder } from '../../support/hub.ts';
import { inWords, sha256Of, unpackByOthers } from '../../support/registry-oracles.ts';
import { ARCHIVES } from './archive-cases.ts';
import { outcomeOf } from './tries.ts';

describe.each(ARCHIVES)('%s', (_what, cases) => {
  test.for(cases)('%s is refused', { timeout: 60_000 }, async ([, rule, packed], { task }) => {
    const outcome = await outcomeOf(() => readArtifact(packed));
    task.meta.outcome = `${outcome} · ${inWords(await unpackByOthers(packed))}`;
    expect(outcome).toBe(`ARTIFACT_MALFORMED: ${rule}`);
  });
});

/** What we read, in the form the others are seen in. */
const ours = (packed: Uint8Array): ReadonlyMap<string, string> =>
  new Map([...readArtifact(packed).files].map(([path, bytes]) => [path, sha256Of(bytes)]));

async function agree(packed: Uint8Array): Promise<void> {
  const files = ours(packed);
  for (const [program, seen] of Object.entries(await unpackByOthers(packed)))
    expect({ program, ...seen }).toEqual({ program, complained: false, dangers: [], files });
}

describe('an archive without fault is read by us as by all others', () => {
  const files = new Map([
    ['manifest.json', Buffer.from('{}\n')],
    ['plugin.js', Buffer.from('export default {};\n')],
    ['vendor/more/data.bin', Buffer.alloc(70_000, 7)],
    ['empty', Buffer.alloc(0)],
    ['日本語.txt', Buffer.from('x')],
  ]);

  function write(folder: string, these = files): string {
    const root = join(folder, 'package');
    for (const [path, bytes] of these) {
      mkdirSync(join(root, path, '..'), { recursive: true });
      writeFileSync(join(root, path), bytes, { mode: 0o644 });
    }
    writeFileSync(join(root, 'package.json'), '{"name":"control","version":"1.0.0"}');
    return root;
  }

  test('as we pack it', async () => {
    await agree(packArtifact(files));
    expect([...ours(packArtifact(files)).keys()].toSorted()).toEqual([...files.keys()].toSorted());
  });

  test('as node-tar packs it', async () => {
    using folder = temporaryFolder('control');
    write(folder.path);
    const packed = join(folder.path, 'control.tgz');
    const paths = [...files.keys()].map((path) => `package/${path}`);
    await create(
      { file: packed, cwd: folder.path, gzip: true, portable: true, noPax: true },
      paths,
    );
    await agree(readFileSync(packed));
  });

  test('as npm packs it', { timeout: 60_000 }, async () => {
    using folder = temporaryFolder('control');
    // For other names npm writes PAX headers, which no artifact may have.
    const ascii = new Map([...files].filter(([path]) => /^[ -~]+$/u.test(path)));
    const root = write(folder.path, ascii);
    const { status, stderr } = spawnSync(
      'npm',
      ['pack', '--ignore-scripts', '--pack-destination', folder.path],
      { cwd: root, env: { ...process.env, npm_config_offline: 'true' }, encoding: 'utf8' },
    );
    expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
    await agree(readFileSync(join(folder.path, 'control-1.0.0.tgz')));
  });
});

/** The same numbers for the same seed (mulberry32). */
function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** A good archive with some bytes of a header changed and the checksum made right again. */
function mutant(next: (below: number) => number): Buffer {
  const tar = tarOf(
    packArtifact(
      new Map([
        ['a.txt', Buffer.from('aa')],
        ['b/c.txt', Buffer.from('c')],
      ]),
    ),
  );
  const header = tar.subarray(2 * BLOCK * next(2), 2 * BLOCK * next(1) + BLOCK * 4);
  for (let change = 0; change <= next(3); change++) {
    const at = [
      next(100),
      100 + next(8),
      124 + next(12),
      156,
      157 + next(8),
      257 + next(8),
      345 + next(8),
    ];
    const byte = [0, 0x2e, 0x2f, 0x30 + next(10), 0x80, 0xff, 0x41 + next(26), next(256)];
    header[at[next(at.length)] ?? 0] = byte[next(byte.length)] ?? 0;
  }
  header.write(checksumOf(header.subarray(0, BLOCK)), 148, 'latin1');
  return tar;
}

test(
  'of 400 random changes none is accepted by us and read otherwise by another',
  { timeout: 300_000 },
  async ({ task }) => {
    const next = seeded(20_261_121);
    let accepted = 0;
    let refused = 0;
    while (accepted + refused < 400) {
      const packed = gzip(mutant(next));
      if ((await outcomeOf(() => readArtifact(packed))) === 'accepted') {
        accepted += 1;
        await agree(packed);
      } else refused += 1;
    }
    task.meta.outcome = `${String(accepted)} accepted, read alike by all; ${String(refused)} refused`;
    expect(accepted).toBeGreaterThan(10);
    expect(refused).toBeGreaterThan(100);
  },
);
