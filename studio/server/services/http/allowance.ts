import type { PluginId } from '@runtime-hub/plugin-sdk/contract';
import { Slots } from '../queues.ts';
import { refusedResponse } from './failures.ts';

/** What one request holds of its plugin's allowance, until it is over. */
export interface Share extends Disposable {
  /** Counts bytes kept in memory. Throws NET_RESPONSE_REFUSED when the plugin's requests hold too many. */
  take(bytes: number): void;
}

interface AllowanceLimits {
  /** Requests of one plugin at a time; more wait. */
  readonly maxRunning: number;
  /** Bytes of bodies that one plugin's requests hold at a time. */
  readonly maxBytes: number;
}

/** Keeps the requests of one plugin from using up the hub's memory and sockets. */
export class Allowance {
  readonly #maxBytes: number;
  readonly #slots: Slots;
  /** Bytes that the requests of a plugin hold now. */
  readonly #held = new Map<PluginId, number>();

  constructor({ maxRunning, maxBytes }: AllowanceLimits) {
    this.#maxBytes = maxBytes;
    this.#slots = new Slots(maxRunning);
  }

  /** Waits for a place; rejects with the signal's reason. `host` is for errors. */
  async enter(plugin: PluginId, host: string, signal: AbortSignal): Promise<Share> {
    const place = await this.#slots.enter(plugin, signal);
    let held = 0;
    return {
      take: (bytes) => {
        held += bytes;
        if (this.#add(plugin, bytes) <= this.#maxBytes) return;
        throw refusedResponse(host, 'the plugin’s requests hold too much at once');
      },
      [Symbol.dispose]: () => {
        if (this.#add(plugin, -held) === 0) this.#held.delete(plugin);
        place[Symbol.dispose]();
      },
    };
  }

  #add(plugin: PluginId, bytes: number): number {
    const sum = (this.#held.get(plugin) ?? 0) + bytes;
    this.#held.set(plugin, sum);
    return sum;
  }
}
