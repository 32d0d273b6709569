import { hash, type KeyObject } from 'node:crypto';
import {
  appended,
  consistencyProof,
  entryFor,
  entryTile,
  hasTile,
  inclusionProof,
  leafHash,
  rootAt,
  signCheckpoint,
  spkiOf,
  type LogEntry,
  type LogSigner,
  type TileId,
  type TreeNodes,
} from '@runtime-hub/plugin-sdk/artifact';
import type { ProvenLeaf } from '@runtime-hub/plugin-sdk/contract';
import type { Clock } from '../clock.ts';
import type { Store } from '../store/index.ts';

/** The registry's transparency log (RFC 9162), kept in the store; leaves are added inside the transaction of what they tell. */
export interface Log {
  readonly origin: string;
  /** Base64 DER SubjectPublicKeyInfo. */
  readonly spki: string;
  readonly fingerprint: string;
  size(): number;
  /** Adds a leaf; its index. Only inside a transaction. */
  append(leaf: Uint8Array, more?: { readonly revokes: boolean }): number;
  /** The receipt of a leaf in the tree as it stands, for a bundle. */
  receipt(index: number, at: number): LogEntry;
  /** The newest checkpoint, signed at most ten minutes ago. */
  checkpoint(): string;
  /** A tile's bytes; null when the tree does not have it in this width. */
  tile(tile: TileId): Buffer | null;
  leaves(since: number, limit: number): readonly Buffer[];
  /** Leaves that revoke, from `since` on, each proven in the tree of the checkpoint. */
  revocations(
    since: number,
    limit: number,
  ): { readonly checkpoint: string; readonly leaves: ProvenLeaf[] };
  /** A leaf with its proof in the tree of `size` leaves; null when it is not in it. */
  proven(index: number, size: number): ProvenLeaf | null;
  /** Base64 hashes; null unless 0 <= from <= to <= size. */
  consistency(from: number, to: number): readonly string[] | null;
}

const RESIGN_MS = 10 * 60_000;
const TILE_WIDTH = 256;
const TILE_HEIGHT = 8;

export function openLog(store: Store, signer: LogSigner, clock: Clock): Log {
  const { leaves } = store;
  const nodes = nodesOf(store);
  const checkpoint = newest(signer, clock, nodes);
  const proven = (index: number, size: number): ProvenLeaf | null => {
    const leaf = index < size && size <= leaves.size() ? leaves.get(index) : null;
    if (leaf === null) return null;
    const proof = inclusionProof(nodes, index, size).map(base64);
    return { index, leaf: base64(leaf), proof };
  };
  return {
    origin: signer.origin,
    ...publicPart(signer.privateKey),
    size: () => leaves.size(),
    append: (leaf, { revokes } = { revokes: false }) => {
      const index = leaves.size();
      leaves.add(index, leaf, revokes);
      for (const node of appended(nodes, index, leafHash(leaf)))
        leaves.addNode(node.level, node.index, node.hash);
      return index;
    },
    receipt: (index, at) => receiptOf(store, signer, { index, at }),
    checkpoint: () => checkpoint(leaves.size()),
    tile: (tile) => (hasTile(leaves.size(), tile) ? tileOf(store, tile) : null),
    leaves: (since, limit) => leaves.from(since, limit),
    revocations: (since, limit) => {
      const size = leaves.size();
      const found = leaves.revoking(since, limit).flatMap((index) => proven(index, size) ?? []);
      return { checkpoint: checkpoint(size), leaves: found };
    },
    proven,
    consistency: (from, to) =>
      from > to || to > leaves.size() ? null : consistencyProof(nodes, from, to).map(base64),
  };
}

const nodesOf = ({ leaves }: Store): TreeNodes => ({
  hash: (level, place) => {
    const node = leaves.node(level, place);
    if (node === null) throw new Error('the log lacks a node');
    return node;
  },
});

function receiptOf(
  store: Store,
  signer: LogSigner,
  { index, at }: { readonly index: number; readonly at: number },
): LogEntry {
  const nodes = nodesOf(store);
  const leaf = store.leaves.get(index);
  if (leaf === null) throw new Error('there is no such leaf');
  const head = headOf(nodes, store.leaves.size(), at);
  const proof = inclusionProof(nodes, index, head.size);
  return entryFor(
    { leaf, index, proof, checkpoint: signCheckpoint(head, signer), ...head },
    signer,
  );
}

/** Gives the checkpoint of a size, signed anew when it is ten minutes old. */
function newest(signer: LogSigner, clock: Clock, nodes: TreeNodes): (size: number) => string {
  let known = { size: -1, at: 0, note: '' };
  return (size) => {
    const now = clock.now();
    if (known.size !== size || now - known.at >= RESIGN_MS || now < known.at)
      known = { size, at: now, note: signCheckpoint(headOf(nodes, size, now), signer) };
    return known.note;
  };
}

const headOf = (nodes: TreeNodes, size: number, at: number) => ({
  size,
  root: rootAt(nodes, size),
  at,
});

function tileOf({ leaves }: Store, { level, index, width }: TileId): Buffer {
  if (level === 'entries') return entryTile(leaves.from(index * TILE_WIDTH, width));
  return Buffer.concat(leaves.row(level * TILE_HEIGHT, index * TILE_WIDTH, width));
}

function publicPart(privateKey: KeyObject): {
  readonly spki: string;
  readonly fingerprint: string;
} {
  const spki = spkiOf({ privateKey });
  return { spki, fingerprint: hash('sha256', Buffer.from(spki, 'base64')) };
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
