import { appended, rootAt, type TreeNodes } from '@runtime-hub/plugin-sdk/artifact';

/** The right edge of a log's tree: as many hashes as its size has one-bits, enough to go on and to know its root. */
export class Frontier implements TreeNodes {
  #size: number;
  readonly #peaks: Map<string, Uint8Array>;

  constructor(text: string | null = null) {
    // SAFETY: `toText` alone writes it; what was changed since leads to another root, which is refused.
    const known =
      text === null
        ? { size: 0, peaks: {} }
        : (JSON.parse(text) as { size: number; peaks: Record<string, string> });
    this.#size = known.size;
    this.#peaks = new Map(
      Object.entries(known.peaks).map(([at, hash]) => [at, Buffer.from(hash, 'base64')]),
    );
  }

  get size(): number {
    return this.#size;
  }

  get root(): Buffer {
    return rootAt(this, this.#size);
  }

  hash(level: number, index: number): Uint8Array {
    const found = this.#peaks.get(nameOf(level, index));
    if (found === undefined) throw new Error('a frontier was asked for what it does not keep');
    return found;
  }

  append(leafHash: Uint8Array): void {
    const added = appended(this, this.#size, leafHash);
    for (const { level, index } of added.slice(0, -1)) {
      this.#peaks.delete(nameOf(level, index));
      this.#peaks.delete(nameOf(level, index - 1));
    }
    const top = added.at(-1);
    if (top !== undefined) this.#peaks.set(nameOf(top.level, top.index), top.hash);
    this.#size += 1;
  }

  toText(): string {
    const peaks = [...this.#peaks].map(([at, hash]) => [at, Buffer.from(hash).toString('base64')]);
    return JSON.stringify({ size: this.#size, peaks: Object.fromEntries(peaks) });
  }
}

const nameOf = (level: number, index: number): string => `${String(level)}/${String(index)}`;
