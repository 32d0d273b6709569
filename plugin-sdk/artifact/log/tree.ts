import { EMPTY_ROOT, nodeHash } from './merkle.ts';

/** A complete subtree: 2^level leaves, the `index`th of its level from the left. Level 0 holds the leaf hashes. */
export interface NodeId {
  readonly level: number;
  readonly index: number;
}

/** Hashes of a log's complete subtrees, kept by its owner; a node once complete never changes. */
export interface TreeNodes {
  /** Asked only for subtrees that are complete. */
  hash(level: number, index: number): Uint8Array;
}

export interface TreeNode extends NodeId {
  readonly hash: Uint8Array;
}

/** A run of leaves whose hash RFC 9162 calls MTH(D[from:to]). */
export interface LeafRange {
  readonly from: number;
  readonly to: number;
}

/** What a leaf adds to a tree of `size` leaves: itself and each subtree it completes; about two nodes, log2(size) at most. */
export function appended(nodes: TreeNodes, size: number, leaf: Uint8Array): TreeNode[] {
  const added: TreeNode[] = [{ level: 0, index: size, hash: leaf }];
  let hash = leaf;
  for (
    let [level, index] = [0, size];
    index % 2 === 1;
    [level, index] = [level + 1, (index - 1) / 2]
  ) {
    hash = nodeHash(nodes.hash(level, index - 1), hash);
    added.push({ level: level + 1, index: (index - 1) / 2, hash });
  }
  return added;
}

/** Root of the tree's first `size` leaves (RFC 9162 section 2.1.1). */
export function rootAt(nodes: TreeNodes, size: number): Buffer {
  return size === 0 ? EMPTY_ROOT : hashOf(nodes, { from: 0, to: size });
}

/** RFC 9162 section 2.1.3.1: the hashes that lead from leaf `index` to the root of `size` leaves, nearest first. */
export function inclusionProof(nodes: TreeNodes, index: number, size: number): Buffer[] {
  return inclusionRanges(index, size).map((range) => hashOf(nodes, range));
}

/** RFC 9162 section 2.1.4.1: the hashes that show that the tree of `to` leaves begins with that of `from`. */
export function consistencyProof(nodes: TreeNodes, from: number, to: number): Buffer[] {
  return consistencyRanges(from, to).map((range) => hashOf(nodes, range));
}

/** What an inclusion proof is made of, in its order. */
export function inclusionRanges(index: number, size: number): LeafRange[] {
  const path: LeafRange[] = [];
  for (let [from, to] = [0, size]; to - from > 1;) {
    const middle = from + splitOf(to - from);
    const isLeft = index < middle;
    path.unshift(isLeft ? { from: middle, to } : { from, to: middle });
    [from, to] = isLeft ? [from, middle] : [middle, to];
  }
  return path;
}

/** What a consistency proof is made of, in its order. */
export function consistencyRanges(old: number, size: number): LeafRange[] {
  if (old === 0 || old >= size) return [];
  const path: LeafRange[] = [];
  let [from, to] = [0, size];
  while (to > old) {
    const middle = from + splitOf(to - from);
    const isLeft = old <= middle;
    path.unshift(isLeft ? { from: middle, to } : { from, to: middle });
    [from, to] = isLeft ? [from, middle] : [middle, to];
  }
  // The reader knows the old root, so it is left out where it is itself a part.
  return from === 0 ? path : [{ from, to }, ...path];
}

/** The complete subtrees that make up a range of an RFC 9162 tree, from the left. */
export function nodesOf({ from, to }: LeafRange): NodeId[] {
  const size = to - from;
  const split = splitOf(size);
  if (size === 1 || split * 2 === size) return [{ level: Math.log2(size), index: from / size }];
  const middle = from + split;
  return [...nodesOf({ from, to: middle }), ...nodesOf({ from: middle, to })];
}

function hashOf(nodes: TreeNodes, range: LeafRange): Buffer {
  const hashes = nodesOf(range).map(({ level, index }) => nodes.hash(level, index));
  return Buffer.from(hashes.reduceRight((right, left) => nodeHash(left, right)));
}

/** Largest power of two below `size`: the leaves of the left subtree. */
function splitOf(size: number): number {
  let split = 1;
  while (split * 2 < size) split *= 2;
  return split;
}

/** A tree in memory, of the given leaf hashes. */
export class MemoryTree implements TreeNodes {
  readonly #levels: Uint8Array[][] = [[]];

  constructor(leaves: Iterable<Uint8Array> = []) {
    for (const leaf of leaves) this.append(leaf);
  }

  get size(): number {
    return this.#levels[0]?.length ?? 0;
  }

  append(leaf: Uint8Array): void {
    for (const { level, hash } of appended(this, this.size, leaf)) {
      const row = (this.#levels[level] ??= []);
      row.push(hash);
    }
  }

  hash(level: number, index: number): Uint8Array {
    const hash = this.#levels[level]?.[index];
    if (hash === undefined) throw new Error('the subtree is not complete');
    return hash;
  }
}
