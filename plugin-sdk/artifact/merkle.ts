import { createHash } from 'node:crypto';

/** RFC 6962 section 2.1: SHA-256 over 0x00 and the entry. */
export function leafHash(entry: Uint8Array): Buffer {
  return createHash('sha256')
    .update(Buffer.from([0]))
    .update(entry)
    .digest();
}

/** RFC 6962 section 2.1: the tree's root over leaf hashes. */
export function rootHash(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 0) return createHash('sha256').digest();
  const [only] = leaves;
  if (leaves.length === 1 && only !== undefined) return only;
  const split = largestPowerBelow(leaves.length);
  return nodeHash(rootHash(leaves.slice(0, split)), rootHash(leaves.slice(split)));
}

/** RFC 6962 section 2.1.1: the hashes that lead from leaf `index` to the root, nearest first. */
export function inclusionPath(index: number, leaves: readonly Buffer[]): Buffer[] {
  if (leaves.length <= 1) return [];
  const split = largestPowerBelow(leaves.length);
  if (index < split) {
    return [...inclusionPath(index, leaves.slice(0, split)), rootHash(leaves.slice(split))];
  }
  return [...inclusionPath(index - split, leaves.slice(split)), rootHash(leaves.slice(0, split))];
}

function nodeHash(left: Buffer, right: Buffer): Buffer {
  return createHash('sha256')
    .update(Buffer.from([1]))
    .update(left)
    .update(right)
    .digest();
}

function largestPowerBelow(size: number): number {
  return 2 ** Math.ceil(Math.log2(size) - 1);
}
