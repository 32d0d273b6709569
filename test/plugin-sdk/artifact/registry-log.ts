import {
  MemoryTree,
  entryFor,
  inclusionProof,
  leafHash,
  mergeReceipt,
  publicationLeaf,
  readArtifact,
  rootAt,
  signArtifact,
  signCheckpoint,
  spkiOf,
  type LogEntry,
  type PublisherKey,
  type TrustedKey,
  type TrustedOrigin,
} from '@runtime-hub/plugin-sdk/artifact';
import type { LogEvent } from '@runtime-hub/plugin-sdk/contract';
import { keyOf, manifestFor } from './release-parts.ts';

/** The log of a registry, as the registry itself is built on the same functions. */
export class RegistryLog {
  readonly origin: string;
  readonly privateKey = keyOf('ed25519');
  readonly tree = new MemoryTree();
  readonly leaves: Buffer[] = [];
  /** The log's clock. */
  at = 1_760_000_000_000;

  constructor(origin = 'reg.acme.example') {
    this.origin = origin;
  }

  append(leaf: Buffer): number {
    this.tree.append(leafHash(leaf));
    return this.leaves.push(leaf) - 1;
  }

  /** The receipt of a leaf in the tree of `size` leaves. */
  receipt(index: number, size = this.tree.size): LogEntry {
    const head = { size, root: rootAt(this.tree, size), at: this.at };
    const proof = inclusionProof(this.tree, index, size);
    const checkpoint = signCheckpoint(head, this);
    const leaf = this.leaves[index] ?? Buffer.alloc(0);
    return entryFor({ leaf, index, proof, checkpoint, ...head }, this);
  }

  /** Publishes an artifact; the merged bundle. `more` changes what the log says of it. */
  async publish(artifact: Uint8Array, key: PublisherKey, more: object = {}): Promise<string> {
    const bundle = await signArtifact(artifact, key);
    const { id, version } = manifestFor(manifestOf(artifact));
    const event = {
      event: 'published',
      plugin: id,
      version,
      digest: readArtifact(artifact).digest,
      publisher: key.hint,
      at: this.at,
      ...more,
    } as LogEvent;
    const index = this.append(publicationLeaf(bundle, spkiOf(key), event));
    return mergeReceipt(bundle, this.receipt(index));
  }

  /** Believes this log, and these keys with these bounds. */
  trusting(keys: readonly PublisherKey[], bounds: Partial<TrustedKey> = {}): TrustedOrigin {
    const free = { addedAtLogIndex: 0, notBefore: null, notAfter: null, revokedAtLogIndex: null };
    return {
      origin: this.origin,
      logKey: spkiOf(this),
      keys: new Map(keys.map((key) => [key.hint, { ...free, spki: spkiOf(key), ...bounds }])),
    };
  }
}

function manifestOf(artifact: Uint8Array): Record<string, unknown> {
  const bytes = readArtifact(artifact).files.get('manifest.json') ?? Buffer.alloc(0);
  // SAFETY: the tests' artifacts have one.
  return JSON.parse(Buffer.from(bytes).toString()) as Record<string, unknown>;
}
