import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  MemoryTree,
  appended,
  consistencyProof,
  inclusionProof,
  isConsistent,
  isIncluded,
  leafHash,
  rootAt,
} from '@runtime-hub/plugin-sdk/artifact';
import * as rfc from './rfc9162.ts';

const SIZE = 70;
const entries = Array.from({ length: SIZE }, (_, at) => Buffer.from(`entry ${String(at)}`));
const tree = new MemoryTree(entries.map(leafHash));
const hex = (hashes: readonly Uint8Array[]): string[] =>
  hashes.map((hash) => Buffer.from(hash).toString('hex'));
const pairs = Array.from({ length: SIZE + 1 }, (_, to) =>
  Array.from({ length: to + 1 }, (_unused, from) => [from, to] as const),
).flat();

describe('a tree of each size up to 70', () => {
  test('has the root that RFC 9162 defines', () => {
    for (let size = 0; size <= SIZE; size++)
      expect(rootAt(tree, size).toString('hex')).toBe(rfc.mth(entries.slice(0, size)));
  });

  test('gives each leaf the path that RFC 9162 defines, and both verifiers follow it to the root', () => {
    for (const [index, size] of pairs.filter(([from, to]) => from < to)) {
      const [some, leaf] = [entries.slice(0, size), leafHash(entries[index] ?? Buffer.alloc(0))];
      const proof = inclusionProof(tree, index, size);
      const root = rootAt(tree, size);
      expect(hex(proof)).toEqual(rfc.path(index, some));
      expect(isIncluded({ index, size, leaf, proof, root })).toBe(true);
      expect(rfc.rootOfPath(index, size, leaf.toString('hex'), hex(proof))).toBe(rfc.mth(some));
    }
  });

  test('gives each older size the proof that RFC 9162 defines, and both verifiers follow it to both roots', () => {
    for (const [from, to] of pairs) {
      const proof = consistencyProof(tree, from, to);
      const [fromRoot, toRoot] = [rootAt(tree, from), rootAt(tree, to)];
      expect(hex(proof)).toEqual(rfc.proof(from, entries.slice(0, to)));
      expect(isConsistent({ from, to, fromRoot, toRoot, proof })).toBe(true);
      if (from > 0)
        expect(rfc.rootsOfProof(from, to, fromRoot.toString('hex'), hex(proof))).toEqual([
          fromRoot.toString('hex'),
          toRoot.toString('hex'),
        ]);
    }
  });
});

test('an append touches no more nodes than the tree is high, and about two of them', () => {
  const grown = new MemoryTree();
  let touched = 0;
  for (let size = 0; size < 4096; size++) {
    const added = appended(grown, size, leafHash(Buffer.from(String(size))));
    expect(added.length).toBeLessThanOrEqual(Math.floor(Math.log2(size + 1)) + 1);
    touched += added.length;
    grown.append(leafHash(Buffer.from(String(size))));
  }
  expect(touched).toBeLessThan(2 * 4096);
});

describe('what is no proof is refused', () => {
  const size = fc.integer({ min: 2, max: SIZE });
  const flip = (hash: Uint8Array, bit: number): Buffer => {
    const copy = Buffer.from(hash);
    const at = (bit >> 3) % copy.length;
    copy[at] = (copy[at] ?? 0) ^ (1 << (bit & 7));
    return copy;
  };
  const change = fc.record({ kind: fc.nat(5), at: fc.nat(63), bit: fc.nat(255) });
  const changed = (
    proof: readonly Buffer[],
    how: { kind: number; at: number; bit: number },
  ): Buffer[] => {
    const at = proof.length === 0 ? 0 : how.at % proof.length;
    const extra = leafHash(Buffer.of(how.bit));
    if (how.kind === 0) return [...proof, extra];
    if (how.kind === 1) return [extra, ...proof];
    if (how.kind === 2) return proof.slice(0, -1);
    if (how.kind === 3) return proof.slice(1);
    if (how.kind === 4) return proof.toReversed();
    return proof.map((hash, place) => (place === at ? flip(hash, how.bit) : hash));
  };
  const isSame = (a: readonly Buffer[], b: readonly Buffer[]): boolean =>
    Buffer.concat(a).equals(Buffer.concat(b)) && a.length === b.length;

  test('an inclusion proof with any change', () => {
    fc.assert(
      fc.property(size, fc.nat(), change, (of, seed, how) => {
        const index = seed % of;
        const proof = inclusionProof(tree, index, of);
        const other = changed(proof, how);
        fc.pre(!isSame(proof, other));
        const leaf = leafHash(entries[index] ?? Buffer.alloc(0));
        expect(isIncluded({ index, size: of, leaf, proof: other, root: rootAt(tree, of) })).toBe(
          false,
        );
      }),
      { numRuns: 500 },
    );
  });

  test('an inclusion proof for another place, leaf, root, or no place at all', () => {
    const good = {
      index: 5,
      size: 9,
      leaf: leafHash(entries[5] ?? Buffer.alloc(0)),
      proof: inclusionProof(tree, 5, 9),
      root: rootAt(tree, 9),
    };
    expect(isIncluded(good)).toBe(true);
    for (const index of [0, 4, 6, 8, 9, -1, 5.5, NaN, Infinity, 2 ** 53])
      expect([index, isIncluded({ ...good, index })]).toEqual([index, false]);
    for (const of of [0, 1, 5, 10, 2 ** 32 + 9, -9, NaN])
      expect(isIncluded({ ...good, size: of }) && of !== 10).toBe(false);
    expect(isIncluded({ ...good, leaf: leafHash(Buffer.from('other')) })).toBe(false);
    expect(isIncluded({ ...good, root: rootAt(tree, 8) })).toBe(false);
  });

  test('an inner node in place of a leaf, which RFC 9162 keeps apart by its prefix', () => {
    const [left, right] = [tree.hash(0, 0), tree.hash(0, 1)];
    const forged = leafHash(Buffer.concat([left, right]));
    expect(isIncluded({ index: 0, size: 1, leaf: forged, proof: [], root: rootAt(tree, 2) })).toBe(
      false,
    );
  });

  test('a consistency proof with any change', () => {
    fc.assert(
      fc.property(size, fc.nat(), change, (to, seed, how) => {
        const from = 1 + (seed % (to - 1));
        const proof = consistencyProof(tree, from, to);
        const other = changed(proof, how);
        fc.pre(!isSame(proof, other));
        const roots = { fromRoot: rootAt(tree, from), toRoot: rootAt(tree, to) };
        expect(isConsistent({ from, to, ...roots, proof: other })).toBe(false);
      }),
      { numRuns: 500 },
    );
  });

  test('a consistency proof between trees with another past', () => {
    fc.assert(
      fc.property(size, fc.nat(), fc.nat(), (to, seedFrom, seedLeaf) => {
        const from = 1 + (seedFrom % (to - 1));
        const place = seedLeaf % from;
        const other = new MemoryTree(
          entries.map((entry, at) => leafHash(at === place ? Buffer.from('another') : entry)),
        );
        const roots = { fromRoot: rootAt(tree, from), toRoot: rootAt(other, to) };
        for (const proof of [consistencyProof(tree, from, to), consistencyProof(other, from, to)])
          expect(isConsistent({ from, to, ...roots, proof })).toBe(false);
      }),
      { numRuns: 300 },
    );
  });

  test('a consistency proof to a smaller tree, or from nothing with a root', () => {
    const [five, nine] = [rootAt(tree, 5), rootAt(tree, 9)];
    expect(
      isConsistent({
        from: 9,
        to: 5,
        fromRoot: nine,
        toRoot: five,
        proof: consistencyProof(tree, 5, 9),
      }),
    ).toBe(false);
    expect(isConsistent({ from: 0, to: 5, fromRoot: nine, toRoot: five, proof: [] })).toBe(false);
    expect(isConsistent({ from: 5, to: 5, fromRoot: five, toRoot: nine, proof: [] })).toBe(false);
    expect(
      isConsistent({
        from: 4,
        to: 5,
        fromRoot: rootAt(tree, 4),
        toRoot: rootAt(tree, 4),
        proof: [],
      }),
    ).toBe(false);
  });
});

test('proofs in trees above 2^32 leaves have the length and verdict they should', () => {
  // A tree whose subtrees of equal level are all alike: each hash is known without its leaves.
  const alike = new Map<number, Buffer>();
  const nodes = {
    hash: (level: number): Buffer => {
      const known = alike.get(level);
      if (known !== undefined) return known;
      const hash = level === 0 ? leafHash(Buffer.of(7)) : rfc.pair(nodes.hash(level - 1));
      alike.set(level, hash);
      return hash;
    },
  };
  const size = 2 ** 40 + 2 ** 33 + 3;
  const index = 2 ** 40 + 5;
  const leaf = leafHash(Buffer.of(7));
  const proof = inclusionProof(nodes, index, size);
  const root = rootAt(nodes, size);
  expect(isIncluded({ index, size, leaf, proof, root })).toBe(true);
  expect(isIncluded({ index, size: size - 2 ** 32, leaf, proof, root })).toBe(false);
  const from = 2 ** 35 + 1;
  const growth = { from, to: size, fromRoot: rootAt(nodes, from), toRoot: root };
  expect(isConsistent({ ...growth, proof: consistencyProof(nodes, from, size) })).toBe(true);
  expect(isConsistent({ ...growth, proof: consistencyProof(nodes, from + 1, size) })).toBe(false);
});
