import type { Database } from 'better-sqlite3';
import { HubError, type Json, type PluginId } from '@runtime-hub/plugin-sdk/contract';
import type { Writer } from './writer.ts';

/** Where one small value is kept; plugins and workflows do not see each other's. */
export interface StateKey {
  readonly plugin: PluginId;
  readonly workflow: string;
  readonly key: string;
}

/** Small values that plugins keep between runs: at most 64 KiB each and 1 MiB for all of a plugin. */
export interface StateStore {
  /** The newest value set, null when there is none. */
  get(at: StateKey): Promise<Json>;
  /** Resolves when it is durable. Rejects with STATE_TOO_LARGE, and keeps what was there. */
  set(at: StateKey, value: Json): Promise<void>;
  deleteAll(plugin: PluginId): Promise<void>;
}

const MAX_VALUE_BYTES = 65_536;

export function createStateStore(writer: Writer, reader: Database): StateStore {
  const read = reader
    .prepare('SELECT value FROM state WHERE plugin = ? AND workflow = ? AND key = ?')
    .pluck();
  return {
    async get({ plugin, workflow, key }) {
      await writer.flush();
      const text = read.get(plugin, workflow, key);
      // SAFETY: `set` alone writes these texts.
      return typeof text === 'string' ? (JSON.parse(text) as Json) : null;
    },
    async set({ plugin, workflow, key }, value) {
      const text = JSON.stringify(value);
      const sizeBytes = Buffer.byteLength(text);
      if (sizeBytes > MAX_VALUE_BYTES) {
        throw new HubError('STATE_TOO_LARGE', { sizeBytes, maxBytes: MAX_VALUE_BYTES });
      }
      await writer.write(['state', plugin, workflow, key, text]);
    },
    async deleteAll(plugin) {
      await writer.write(['forget-state', plugin]);
    },
  };
}
