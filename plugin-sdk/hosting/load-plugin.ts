import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Json, StepReport } from '../contract/index.ts';
import type { HostSettings, InstalledPlugin } from './ports.ts';
import type { Channel } from './channel.ts';

/** Characters of source in one frame: even if each needs six bytes it fits. */
const PIECE_CHARACTERS = 128 * 1024;

/** Has a host load its plugin; an isolate host gets the source in pieces of which the last is answered, the others have it at /plugin. Throws unless it describes itself as its signed manifest does. */
export async function sendPlugin(
  channel: Channel,
  plugin: InstalledPlugin,
  settings: HostSettings,
): Promise<void> {
  const isolate = plugin.manifest.runtime === 'isolate';
  const source = isolate ? await readFile(path.join(plugin.folder, 'plugin.js'), 'utf8') : '';
  const { memoryMb, entryMs } = settings.limits;
  const always = { t: 'load', plugin: plugin.manifest.id, memoryMb, entryMs } as const;
  const pieces: string[] = [];
  for (let at = 0; at < source.length; at += PIECE_CHARACTERS) {
    pieces.push(source.slice(at, at + PIECE_CHARACTERS));
  }
  const rest = pieces.pop() ?? '';
  const loaded = await channel.ask({
    frame: (id) => ({ ...always, id, source: rest, last: true }),
    onSent: (id) => {
      for (const piece of pieces) channel.tell({ ...always, id, source: piece, last: false });
    },
    deadlineMs: settings.startMs,
    signal: null,
  });
  if (!describes(loaded, plugin)) throw new Error('it is not what its manifest says');
}

/** True when a load's answer holds exactly the signed manifest. */
function describes(loaded: Json, plugin: InstalledPlugin): boolean {
  if (typeof loaded !== 'object' || loaded === null || Array.isArray(loaded)) return false;
  // SAFETY: an object that is no array; the key may be missing.
  const { manifest } = loaded as { readonly manifest?: Json };
  return isDeepStrictEqual(manifest, JSON.parse(JSON.stringify(plugin.manifest)));
}

/** True when a value is a list of step reports as far as the hub relies on it. */
export const areReports = (value: unknown): value is readonly StepReport[] =>
  Array.isArray(value) &&
  value.every((one: unknown) => typeof one === 'object' && one !== null && 'node' in one);
