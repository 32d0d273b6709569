import type { PluginId } from '@runtime-hub/plugin-sdk/contract';
import { Line, Slots } from '../queues.ts';

/** All addresses of a name; rejects or gives none when it has none. */
export type Resolve = (hostname: string) => Promise<readonly string[]>;

/**
 * Lookups hold one of the process's few threads (getaddrinfo, 4 by default) for as long as a name server likes, and can't be
 * stopped. A plugin gets one at a time, all of them half of the threads, so that a slow name server holds up only who asks it.
 */
const MAX_AT_ONCE = 2;

export class Lookups {
  readonly #resolve: Resolve;
  readonly #all = new Line(MAX_AT_ONCE);
  readonly #plugins = new Slots(1);

  constructor(resolve: Resolve) {
    this.#resolve = resolve;
  }

  /** Rejects with the signal's reason while it waits; what has begun goes on. */
  async resolve(
    hostname: string,
    plugin: PluginId,
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    using _own = await this.#plugins.enter(plugin, signal);
    await this.#all.enter(signal);
    try {
      return await this.#resolve(hostname);
    } finally {
      this.#all.leave();
    }
  }
}
