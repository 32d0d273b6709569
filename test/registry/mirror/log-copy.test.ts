import { generateKeyPairSync } from 'node:crypto';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import {
  MemoryTree,
  consistencyProof,
  isConsistent,
  leafHash,
  rootAt,
  signCheckpoint,
} from '@runtime-hub/plugin-sdk/artifact';
import { expect, test } from 'vitest';
import { StaticExchange } from '../../../registry/client/index.ts';
import { addLeaves, sizeOf } from '../../../registry/mirror/log-copy.ts';
import { folderTree, type Tree } from '../../../registry/mirror/tree.ts';
import { temporaryFolder } from '../../support/hub.ts';

const ORIGIN = 'log.test.internal';
const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const key = { origin: ORIGIN, publicKey };
const leaf = (index: number): Buffer => Buffer.from(`leaf ${String(index)}`);
const leaves = (from: number, to: number): Buffer[] =>
  Array.from({ length: to - from }, (_, at) => leaf(from + at));
const treeOf = (size: number): MemoryTree => new MemoryTree(leaves(0, size).map(leafHash));
const checkpointOf = (size: number, tree = treeOf(size)): string =>
  signCheckpoint({ size, root: rootAt(tree, size), at: 1 }, { origin: ORIGIN, privateKey });

async function grow(tree: Tree, from: number, to: number): Promise<void> {
  const added = { from, leaves: leaves(from, to) };
  await addLeaves(tree, { key, checkpoint: checkpointOf(to) }, added);
}

test('however a log grows, its tiles give every leaf and every proof, and no tile is left that a wider one replaced', async () => {
  using folder = temporaryFolder('tiles');
  const tree = folderTree(folder.path);
  const sizes = [0, 1, 2, 3, 255, 256, 257, 511, 512, 700, 1025];
  for (const [at, to] of sizes.entries()) {
    const from = sizes[at - 1] ?? 0;
    if (to > 0) await grow(tree, from, to);
    expect(await sizeOf(tree, key)).toBe(to);
  }
  const size = 1025;
  const exchange = new StaticExchange(async (path) => await tree.read(path), ORIGIN);
  const read: Buffer[] = [];
  while (read.length < size) {
    const page = await exchange.get(`/v1/changes?since=${String(read.length)}&limit=1000`);
    const { entries } = JSON.parse(page.toString()) as { entries: { leaf: string }[] };
    read.push(...entries.map((it) => Buffer.from(it.leaf, 'base64')));
  }
  expect(read).toEqual(leaves(0, size));
  const whole = treeOf(size);
  for (const from of [1, 2, 3, 200, 255, 256, 257, 512, 1000, 1024]) {
    const body = await exchange.get(`/v1/log/proof?from=${String(from)}&to=${String(size)}`);
    const { proof } = JSON.parse(body.toString()) as { proof: string[] };
    const hashes = proof.map((it) => Buffer.from(it, 'base64'));
    expect(hashes).toEqual(consistencyProof(whole, from, size).map((it) => Buffer.from(it)));
    const [fromRoot, toRoot] = [rootAt(whole, from), rootAt(whole, size)];
    expect(isConsistent({ from, to: size, fromRoot, toRoot, proof: hashes })).toBe(true);
  }
  const tiles = ['0', 'entries'].map((level) =>
    globSync('**', { cwd: join(folder.path, 'v1/log/tile', level), withFileTypes: true })
      .filter((it) => it.isFile())
      .map((it) => it.name)
      .toSorted(),
  );
  expect(tiles).toEqual([
    ['000', '001', '002', '003', '1'],
    ['000', '001', '002', '003', '1'],
  ]);
});

test('leaves that a crash left half told are told again without harm', async () => {
  using folder = temporaryFolder('tiles');
  const tree = folderTree(folder.path);
  await grow(tree, 0, 300);
  const again = { from: 250, leaves: leaves(250, 310) };
  await addLeaves(tree, { key, checkpoint: checkpointOf(310) }, again);
  expect(await sizeOf(tree, key)).toBe(310);
});

test('leaves that do not give the checkpoint’s root, or leave a gap, change nothing', async () => {
  using folder = temporaryFolder('tiles');
  const tree = folderTree(folder.path);
  await grow(tree, 0, 300);
  const checkpoint = checkpointOf(302);
  const wrong = { from: 300, leaves: [leaf(300), leaf(999)] };
  await expect(addLeaves(tree, { key, checkpoint }, wrong)).rejects.toMatchObject({
    code: 'LOG_FORKED',
  });
  const gap = { from: 301, leaves: [leaf(301)] };
  await expect(addLeaves(tree, { key, checkpoint }, gap)).rejects.toMatchObject({
    code: 'LOG_FORKED',
  });
  const short = { from: 0, leaves: leaves(0, 299) };
  await expect(
    addLeaves(tree, { key, checkpoint: checkpointOf(299) }, short),
  ).rejects.toMatchObject({ code: 'LOG_ROLLED_BACK' });
  expect(await sizeOf(tree, key)).toBe(300);
});
