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
  get(at: StateKey): Json;
  /**
   * Counts at once, and is durable before anything that is journaled after it: a step that set a value and is recorded
   * as finished has set it. Throws STATE_TOO_LARGE, and keeps what was there.
   */
  set(at: StateKey, value: Json): void;
  deleteAll(plugin: PluginId): Promise<void>;
}

const MAX_VALUE_BYTES = 65_536;
const MAX_PLUGIN_BYTES = 1_048_576;

interface Row {
  readonly workflow: string;
  readonly key: string;
  readonly value: string;
}

/** Values of one plugin by workflow and key, and their bytes together. */
interface Values {
  readonly texts: Map<string, string>;
  bytes: number;
}

/** Keeps the values of plugins that were asked about in memory: the disk is behind by what is not committed yet. */
export function createStateStore(writer: Writer, reader: Database): StateStore {
  const all = reader.prepare('SELECT workflow, key, value FROM state WHERE plugin = ?');
  const known = new Map<PluginId, Values>();
  const valuesOf = (plugin: PluginId): Values => {
    const found = known.get(plugin);
    if (found !== undefined) return found;
    const values: Values = { texts: new Map(), bytes: 0 };
    // SAFETY: the statement selects these columns.
    for (const { workflow, key, value } of all.all(plugin) as Row[]) {
      values.texts.set(placeOf(workflow, key), value);
      values.bytes += sizeOf(key, value);
    }
    known.set(plugin, values);
    return values;
  };
  return {
    get({ plugin, workflow, key }) {
      const text = valuesOf(plugin).texts.get(placeOf(workflow, key));
      // SAFETY: `set` alone writes these texts.
      return text === undefined ? null : (JSON.parse(text) as Json);
    },
    set({ plugin, workflow, key }, value) {
      const text = JSON.stringify(value);
      refuseOver(MAX_VALUE_BYTES, Buffer.byteLength(text));
      const values = valuesOf(plugin);
      const place = placeOf(workflow, key);
      const before = values.texts.get(place);
      const others = values.bytes - (before === undefined ? 0 : sizeOf(key, before));
      refuseOver(MAX_PLUGIN_BYTES, others + sizeOf(key, text));
      writer.post(['state', plugin, workflow, key, text]);
      values.texts.set(place, text);
      values.bytes = others + sizeOf(key, text);
    },
    async deleteAll(plugin) {
      known.set(plugin, { texts: new Map(), bytes: 0 });
      await writer.write(['forget-state', plugin]);
    },
  };
}

const placeOf = (workflow: string, key: string): string => JSON.stringify([workflow, key]);
const sizeOf = (key: string, text: string): number =>
  Buffer.byteLength(key) + Buffer.byteLength(text);

function refuseOver(maxBytes: number, sizeBytes: number): void {
  if (sizeBytes > maxBytes) throw new HubError('STATE_TOO_LARGE', { sizeBytes, maxBytes });
}
