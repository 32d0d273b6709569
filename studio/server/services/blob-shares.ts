import type { PluginId } from '@runtime-hub/plugin-sdk/contract';

interface Share {
  readonly bytes: number;
  readonly blobs: number;
}

const NONE: Share = { bytes: 0, blobs: 0 };

/** What each plugin keeps in the blob store. */
export class BlobShares {
  readonly #shares = new Map<PluginId, Share>();

  of(plugin: PluginId): Share {
    return this.#shares.get(plugin) ?? NONE;
  }

  add(plugin: PluginId, bytes: number): void {
    this.#change(plugin, bytes, 1);
  }

  remove(plugin: PluginId, bytes: number): void {
    this.#change(plugin, -bytes, -1);
  }

  #change(plugin: PluginId, bytes: number, blobs: number): void {
    const before = this.of(plugin);
    const share = { bytes: before.bytes + bytes, blobs: before.blobs + blobs };
    if (share.blobs === 0) this.#shares.delete(plugin);
    else this.#shares.set(plugin, share);
  }
}
