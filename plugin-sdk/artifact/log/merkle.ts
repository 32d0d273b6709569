import { hash } from 'node:crypto';

/** RFC 9162 section 2.1.1: SHA-256 over 0x00 and the entry. */
export function leafHash(entry: Uint8Array): Buffer {
  return hash('sha256', Buffer.concat([Buffer.of(0), entry]), 'buffer');
}

/** RFC 9162 section 2.1.1: SHA-256 over 0x01 and the two subtrees. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  return hash('sha256', Buffer.concat([Buffer.of(1), left, right]), 'buffer');
}

/** Root of the tree without leaves. */
export const EMPTY_ROOT: Buffer = hash('sha256', Buffer.alloc(0), 'buffer');

export interface Inclusion {
  readonly index: number;
  readonly size: number;
  readonly leaf: Uint8Array;
  readonly proof: readonly Uint8Array[];
  readonly root: Uint8Array;
}

/** True when the proof leads from the leaf hash to the root (RFC 9162 section 2.1.3.2). */
export function isIncluded({ index, size, leaf, proof, root }: Inclusion): boolean {
  if (!isCount(index) || !isCount(size) || index >= size) return false;
  let [node, last] = [index, size - 1];
  let reached: Buffer = Buffer.from(leaf);
  for (const sibling of proof) {
    if (last === 0) return false;
    const isRight = node % 2 === 1 || node === last;
    reached = isRight ? nodeHash(sibling, reached) : nodeHash(reached, sibling);
    // A node without a right sibling moves up unchanged until it is a right child.
    while (isRight && node % 2 === 0 && node !== 0) [node, last] = [node / 2, half(last)];
    [node, last] = [half(node), half(last)];
  }
  return last === 0 && reached.equals(root);
}

export interface Consistency {
  readonly from: number;
  readonly to: number;
  readonly fromRoot: Uint8Array;
  readonly toRoot: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

/** True when the tree of `to` leaves begins with the tree of `from` leaves (RFC 9162 section 2.1.4.2). */
export function isConsistent({ from, to, fromRoot, toRoot, proof }: Consistency): boolean {
  if (!isCount(from) || !isCount(to) || from > to) return false;
  if (from === to) return proof.length === 0 && Buffer.from(fromRoot).equals(toRoot);
  if (from === 0) return proof.length === 0 && EMPTY_ROOT.equals(fromRoot);
  return leadsToBoth({ from, to, fromRoot, toRoot, proof });
}

function leadsToBoth({ from, to, fromRoot, toRoot, proof }: Consistency): boolean {
  let [node, last] = [from - 1, to - 1];
  while (node % 2 === 1) [node, last] = [half(node), half(last)];
  // When the old tree is a complete one, its root is where the path begins, and the proof leaves it out.
  const [first, ...rest] = node === 0 ? [fromRoot, ...proof] : proof;
  if (first === undefined) return false;
  let [old, now]: [Buffer, Buffer] = [Buffer.from(first), Buffer.from(first)];
  for (const part of rest) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      [old, now] = [nodeHash(part, old), nodeHash(part, now)];
      while (node % 2 === 0 && node !== 0) [node, last] = [node / 2, half(last)];
    } else {
      now = nodeHash(now, part);
    }
    [node, last] = [half(node), half(last)];
  }
  return last === 0 && old.equals(fromRoot) && now.equals(toRoot);
}

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;
/** Shifts would lose what lies above 32 bits. */
const half = (value: number): number => Math.floor(value / 2);
