import { createHash } from 'node:crypto';

/**
 * RFC 9162 section 2.1, written down from its definitions for these tests alone: recursive, over the entries themselves,
 * hashes as hex. It shares no line with the product.
 */
const sha256 = (hex: string): string => createHash('sha256').update(hex, 'hex').digest('hex');
export const leaf = (entry: Uint8Array): string =>
  sha256(`00${Buffer.from(entry).toString('hex')}`);
const node = (left: string, right: string): string => sha256(`01${left}${right}`);

/** "Let k be the largest power of two smaller than n." */
function k(n: number): number {
  const bits = (n - 1).toString(2).length;
  return Number(BigInt(2) ** BigInt(bits - 1));
}

/** Section 2.1.1: MTH(D_n). */
export function mth(entries: readonly Uint8Array[]): string {
  const [first] = entries;
  if (first === undefined) return sha256('');
  if (entries.length === 1) return leaf(first);
  const at = k(entries.length);
  return node(mth(entries.slice(0, at)), mth(entries.slice(at)));
}

/** Section 2.1.3.1: PATH(m, D_n). */
export function path(m: number, entries: readonly Uint8Array[]): string[] {
  const n = entries.length;
  if (n === 1) return [];
  const at = k(n);
  return m < at
    ? [...path(m, entries.slice(0, at)), mth(entries.slice(at))]
    : [...path(m - at, entries.slice(at)), mth(entries.slice(0, at))];
}

/** Section 2.1.4.1: PROOF(m, D_n). */
export function proof(m: number, entries: readonly Uint8Array[]): string[] {
  return m === 0 || m === entries.length ? [] : subproof(m, entries, true);
}

function subproof(m: number, entries: readonly Uint8Array[], isWhole: boolean): string[] {
  const n = entries.length;
  if (m === n) return isWhole ? [] : [mth(entries)];
  const at = k(n);
  return m <= at
    ? [...subproof(m, entries.slice(0, at), isWhole), mth(entries.slice(at))]
    : [...subproof(m - at, entries.slice(at), false), mth(entries.slice(0, at))];
}

/** The root to which a path leads from leaf `m` of `n`, taken apart from its outer end; null when it has another length. */
export function rootOfPath(
  m: number,
  n: number,
  from: string,
  hashes: readonly string[],
): string | null {
  if (m >= n) return null;
  if (n === 1) return hashes.length === 0 ? from : null;
  const [outer, inner] = [hashes.at(-1), hashes.slice(0, -1)];
  if (outer === undefined) return null;
  const at = k(n);
  const below = m < at ? rootOfPath(m, at, from, inner) : rootOfPath(m - at, n - at, from, inner);
  if (below === null) return null;
  return m < at ? node(below, outer) : node(outer, below);
}

/** The two roots to which a consistency proof leads; null when it has another length. `old` is the root of `m` leaves. */
export function rootsOfProof(
  m: number,
  n: number,
  old: string,
  hashes: readonly string[],
): readonly [string, string] | null {
  return rootsOfSubproof(m, n, hashes, old);
}

function rootsOfSubproof(
  m: number,
  n: number,
  hashes: readonly string[],
  known: string | null,
): readonly [string, string] | null {
  if (m === n) {
    const [only] = known === null ? hashes : [known, ...hashes];
    const length = known === null ? 1 : 0;
    return only !== undefined && hashes.length === length ? [only, only] : null;
  }
  const [outer, inner] = [hashes.at(-1), hashes.slice(0, -1)];
  if (outer === undefined) return null;
  const at = k(n);
  if (m <= at) {
    const below = rootsOfSubproof(m, at, inner, known);
    return below === null ? null : [below[0], node(below[1], outer)];
  }
  const below = rootsOfSubproof(m - at, n - at, inner, null);
  return below === null ? null : [node(outer, below[0]), node(outer, below[1])];
}

/** The node above two that are alike. */
export function pair(hash: Buffer): Buffer {
  return Buffer.from(node(hash.toString('hex'), hash.toString('hex')), 'hex');
}
