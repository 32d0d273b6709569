import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Json } from '../contract/index.ts';
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
  const source = isolate ? await sourceOf(plugin) : '';
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

/** The error of a file that is not there names its folder, which is nobody's business. */
async function sourceOf({ folder }: InstalledPlugin): Promise<string> {
  try {
    return await readFile(path.join(folder, 'plugin.js'), 'utf8');
  } catch (cause) {
    throw new Error('its plugin.js cannot be read', { cause });
  }
}
