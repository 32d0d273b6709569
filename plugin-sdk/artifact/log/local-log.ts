import { signCheckpoint } from './checkpoint.ts';
import { entryFor, type LogEntry } from './entry.ts';
import { leafHash } from './merkle.ts';
import type { LogSigner } from './note.ts';
import { MemoryTree, inclusionProof, rootAt } from './tree.ts';

/** Leaf hashes of a small log, kept by its owner; only ever appended to. */
export interface LogStore {
  leaves(): readonly Buffer[];
  append(leaf: Buffer): void;
}

/** A log that one hub or one test keeps for itself. */
export interface LocalLog extends LogSigner {
  readonly store: LogStore;
}

/** Appends a leaf and vouches for it with a promise, a proof and a checkpoint. */
export function record(leaf: Uint8Array, log: LocalLog): LogEntry {
  const tree = new MemoryTree(log.store.leaves());
  const index = tree.size;
  const hash = leafHash(leaf);
  tree.append(hash);
  log.store.append(hash);
  const at = Date.now();
  const head = { size: index + 1, root: rootAt(tree, index + 1), at };
  return entryFor(
    {
      leaf,
      index,
      proof: inclusionProof(tree, index, head.size),
      checkpoint: signCheckpoint(head, log),
      ...head,
    },
    log,
  );
}
