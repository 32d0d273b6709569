import { HubError } from '../../contract/index.ts';
import { openCheckpoint, type Checkpoint } from './checkpoint.ts';
import type { LogKey } from './note.ts';

/** A checkpoint that was accepted, and the signed note it came in. */
export type Pin = Checkpoint & { readonly note: string };

/** Some earlier pins are kept beside the newest, so that dates can be checked: ten days of them, four a day. */
const SPACING_MS = 6 * 3_600_000;
const MAX_PINS = 40;
/** What a log may take between dating a leaf and signing a tree that holds it. */
const SLACK_MS = 10 * 60_000;

/** The pins, newest first, of what `writePins` wrote; throws LOG_… when somebody changed it. */
export function readPins(text: string | null, key: LogKey): readonly Pin[] {
  return notesIn(text, key.origin).map((note) => ({ ...openCheckpoint(note, key), note }));
}

export function writePins(pins: readonly Pin[]): string {
  return JSON.stringify(pins.map(({ note }) => note));
}

/** The pins with a newer one in front; it takes the place of the last one unless that is old enough to be kept. */
export function withPin([newest, ...older]: readonly Pin[], next: Pin): readonly Pin[] {
  if (newest === undefined) return [next];
  const before = older[0]?.at ?? -Infinity;
  const kept = newest.at - before >= SPACING_MS ? [newest, ...older] : older;
  return [next, ...kept].slice(0, MAX_PINS);
}

/**
 * Throws LOG_MISDATED when a leaf is dated before a tree that does not hold it yet, or after one that does: a dishonest log
 * could else call a release old that nobody has looked at.
 */
export function checkDate(
  pins: readonly Pin[],
  { index, at }: { readonly index: number; readonly at: number },
): void {
  for (const { origin, size, at: signedAt } of pins) {
    const isWrong = index >= size ? at < signedAt - SLACK_MS : at > signedAt + SLACK_MS;
    if (isWrong) throw new HubError('LOG_MISDATED', { origin, index });
  }
}

function notesIn(text: string | null, origin: string): readonly string[] {
  if (text === null) return [];
  try {
    const notes: unknown = JSON.parse(text);
    if (Array.isArray(notes)) return notes.map(String);
  } catch {
    // Falls through to the refusal.
  }
  const detail = 'what was kept of it is no list';
  throw new HubError('LOG_CHECKPOINT_MALFORMED', { origin, detail });
}
