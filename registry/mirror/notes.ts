import type { LoggedEvent } from '@runtime-hub/plugin-sdk/artifact';
import type { LogEvent, VersionState } from '@runtime-hub/plugin-sdk/contract';
import type { Tree } from './tree.ts';

export type Published = Extract<LogEvent, { readonly event: 'published' }>;

/** What a mirror remembers besides what it serves. */
export interface Notes {
  /** Publications in the origin's log, with their leaf. `plugin` is as logged. */
  readonly published: readonly { readonly index: number; readonly event: Published }[];
  /** Size of the origin's log when an artifact was taken, by digest. */
  readonly takenAt: Readonly<Record<string, number>>;
  /** Digests that a person of this registry let go, and who and why. */
  readonly approved: Readonly<Record<string, { readonly by: string; readonly reason: string }>>;
  /** Plugins somebody asked for, where they are taken only then. */
  readonly asked: readonly string[];
  /** What this registry and its people vouch for, by digest: bundles with its log's receipt. */
  readonly own: Readonly<Record<string, readonly string[]>>;
}

const EMPTY: Notes = { published: [], takenAt: {}, approved: {}, asked: [], own: {} };
const FILE = 'notes.json';

/** `tree`: of the mirror's folder, not of what it serves. */
export async function readNotes(tree: Tree): Promise<Notes> {
  const text = await tree.read(FILE);
  // SAFETY: `writeNotes` alone writes it.
  return text === null ? EMPTY : (JSON.parse(text.toString('utf8')) as Notes);
}

export async function writeNotes(tree: Tree, notes: Notes): Promise<void> {
  await tree.write(FILE, JSON.stringify(notes));
}

/** Adds new publications; told twice, they are there once. */
export function withPublications(notes: Notes, events: readonly LoggedEvent[]): Notes {
  const last = notes.published.at(-1)?.index ?? -1;
  const fresh = events.flatMap(({ index, event }) =>
    event.event === 'published' && index > last ? [{ index, event }] : [],
  );
  return fresh.length === 0 ? notes : { ...notes, published: [...notes.published, ...fresh] };
}

/** What a log last said of each artifact, by digest. */
export function statesIn(
  events: readonly LoggedEvent[],
): ReadonlyMap<string, { readonly state: VersionState; readonly reason: string | null }> {
  const states = new Map<string, { state: VersionState; reason: string | null }>();
  for (const { event } of events)
    if (event.event === 'state')
      states.set(event.digest, {
        state: event.to,
        reason: event.to === 'active' ? null : event.reason,
      });
  return states;
}
