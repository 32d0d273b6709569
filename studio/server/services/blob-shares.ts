import type { Clock } from '@runtime-hub/kernel';
import type { PluginId } from '@runtime-hub/plugin-sdk/contract';
import { wait } from '@runtime-hub/plugin-sdk/hosting';
import { KeyedQueue } from './queues.ts';

interface Share {
  readonly bytes: number;
  readonly blobs: number;
}

const NONE: Share = { bytes: 0, blobs: 0 };
/** A screenshot of a large screen each quarter of a second, for as long as it likes … */
const BYTES_PER_MS = 33_554_432 / 1000;
/** … and one such at once after a pause. */
const BURST_MS = 1000;

/** What each plugin keeps in the blob store, and how fast it may bring more. */
export class BlobShares {
  readonly #clock: Clock;
  readonly #shares = new Map<PluginId, Share>();
  /** Until when what a plugin brought counts against its rate. */
  readonly #paidUntil = new Map<PluginId, number>();
  readonly #turns = new KeyedQueue();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  of(plugin: PluginId): Share {
    return this.#shares.get(plugin) ?? NONE;
  }

  add(plugin: PluginId, bytes: number): void {
    this.#change(plugin, bytes, 1);
    const paid = Math.max(this.#paidUntil.get(plugin) ?? 0, this.#clock.now() - BURST_MS);
    this.#paidUntil.set(plugin, paid + bytes / BYTES_PER_MS);
  }

  remove(plugin: PluginId, bytes: number): void {
    this.#change(plugin, -bytes, -1);
  }

  /** Brings one blob of a plugin after the other, none while it is ahead of its rate. */
  async inTurn<T>(plugin: PluginId, bring: () => Promise<T>): Promise<T> {
    return await this.#turns.run([plugin], async () => {
      await wait(this.#clock, (this.#paidUntil.get(plugin) ?? 0) - this.#clock.now());
      return await bring();
    });
  }

  #change(plugin: PluginId, bytes: number, blobs: number): void {
    const before = this.of(plugin);
    const share = { bytes: before.bytes + bytes, blobs: before.blobs + blobs };
    if (share.blobs === 0) this.#shares.delete(plugin);
    else this.#shares.set(plugin, share);
  }
}
