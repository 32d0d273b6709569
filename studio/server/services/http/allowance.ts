import type { PluginId } from '@runtime-hub/plugin-sdk/contract';
import { refusedResponse } from './failures.ts';
import { Line } from './line.ts';

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
  readonly #limits: AllowanceLimits;
  readonly #plugins = new Map<PluginId, { readonly line: Line; bytes: number }>();

  constructor(limits: AllowanceLimits) {
    this.#limits = limits;
  }

  /** Waits for a place; rejects with the signal's reason. `host` is for errors. */
  async enter(plugin: PluginId, host: string, signal: AbortSignal): Promise<Share> {
    const { maxRunning, maxBytes } = this.#limits;
    const own = this.#plugins.get(plugin) ?? { line: new Line(maxRunning), bytes: 0 };
    signal.throwIfAborted();
    this.#plugins.set(plugin, own);
    await own.line.enter(signal);
    let held = 0;
    return {
      take: (bytes) => {
        held += bytes;
        own.bytes += bytes;
        if (own.bytes <= maxBytes) return;
        throw refusedResponse(host, 'the plugin’s requests hold too much at once');
      },
      [Symbol.dispose]: () => {
        own.bytes -= held;
        own.line.leave();
        if (own.line.isEmpty) this.#plugins.delete(plugin);
      },
    };
  }
}
