import {
  eventOf,
  keyringFrom,
  openCheckpoint,
  readPublicKey,
  type LogKey,
} from '@runtime-hub/plugin-sdk/artifact';
import {
  HubError,
  PLUGIN_ID_PATTERN,
  pluginId,
  type VersionRecord,
  type VersionState,
} from '@runtime-hub/plugin-sdk/contract';
import type { RegistryClient } from '../client/index.ts';
import { keptBackBy, type Circumstances, type Rule } from './filter.ts';
import { addLeaves, sizeOf } from './log-copy.ts';
import { readNotes, statesIn, withPublications, writeNotes, type Notes } from './notes.ts';
import { CHECKPOINT, namespaceOf, namespacePath } from './paths.ts';
import { relist, versionsOf, writeRecord } from './records.ts';
import { dropVersion, takeAttestations, takeVersion, type Offered } from './take-version.ts';
import type { Tree } from './tree.ts';
import type { Uplink } from './uplink.ts';

export interface SyncPorts {
  readonly uplink: Uplink;
  /** Answers for the origin: over the network, or out of an archive. */
  readonly client: RegistryClient;
  /** What the mirror serves. */
  readonly tree: Tree;
  /** The mirror's folder. */
  readonly notes: Tree;
  /** Namespaces of the mirroring registry itself. */
  readonly own: ReadonlySet<string>;
  /** False for what the source has no bytes of; all when left out. */
  readonly offers?: (id: string, version: string) => boolean;
  readonly only?: string;
  /** Throws for the first version that does not hold, instead of leaving it out. */
  readonly strict: boolean;
}

export interface Named {
  readonly id: string;
  readonly version: string;
}

/** What a look at the origin led to. */
export interface SyncReport {
  readonly origin: string;
  /** Leaves of the origin's log before and after. */
  readonly from: number;
  readonly to: number;
  readonly taken: readonly Named[];
  readonly keptBack: readonly (Named & { readonly rule: Rule })[];
  readonly refused: readonly (Named & { readonly code: string; readonly message: string })[];
  readonly changed: readonly (Named & { readonly state: VersionState | 'dropped' })[];
}

/** States in which a version may be handed on. */
const HANDED_OUT: ReadonlySet<VersionState> = new Set(['active', 'deprecated', 'yanked']);

/**
 * Brings a mirror up to its origin: the log first, leaf by leaf, as a continuation of what was seen before; then what
 * the log announces and the filters let through, each verified; then the lists. A version that does not hold is named and
 * left out; a log that does not hold throws (LOG_ROLLED_BACK, LOG_FORKED, LOG_FROZEN …), and nothing is changed.
 */
export async function syncMirror(ports: SyncPorts): Promise<SyncReport> {
  const { uplink, tree } = ports;
  const key = keyOf(uplink);
  const from = await sizeOf(tree, key);
  const { hasVouchers, ...log } = await copyLog(ports, key);
  const work = await workOf(ports, log);
  await takeAll(work);
  await follow(work, hasVouchers);
  await relist(tree, new Set(work.touched));
  await remember(work);
  const { taken, keptBack, refused, changed } = work;
  const to = await sizeOf(tree, key);
  return { origin: uplink.origin, from, to, taken, keptBack, refused, changed };
}

export function keyOf({ origin, logKey }: Pick<Uplink, 'origin' | 'logKey'>): LogKey {
  const publicKey = readPublicKey(logKey)?.publicKey;
  if (publicKey === undefined) throw new HubError('LOG_KEY_MISMATCH', { origin });
  return { origin, publicKey };
}

async function copyLog(ports: SyncPorts, key: LogKey) {
  const { client, tree } = ports;
  let hasVouchers = false;
  const newest = async (): Promise<string> => (await client.checkpoint()) ?? '';
  await client.catchUp(async (events, added) => {
    await addLeaves(tree, { key, checkpoint: await newest() }, added);
    const notes = await readNotes(ports.notes);
    await writeNotes(ports.notes, withPublications(notes, events));
    hasVouchers = added.leaves.some((leaf) => eventOf(leaf) === null);
  });
  const checkpoint = await newest();
  const { size, at } = openCheckpoint(checkpoint, key);
  // Signed anew without having grown: it shows that nothing is held back.
  if (size === (await sizeOf(tree, key))) await tree.write(CHECKPOINT, checkpoint);
  return { known: await readNotes(ports.notes), hasVouchers, logTime: at, logSize: size };
}

/** Other notes may have been made meanwhile. */
async function remember({ notes, takenNow }: Work): Promise<void> {
  const now = await readNotes(notes);
  await writeNotes(notes, { ...now, takenAt: { ...now.takenAt, ...takenNow } });
}

interface Work extends SyncPorts {
  readonly known: Notes;
  readonly circumstances: Circumstances;
  readonly states: ReturnType<typeof statesIn>;
  readonly keyring: ReturnType<typeof keyringFrom>;
  readonly logSize: number;
  readonly takenNow: Record<string, number>;
  readonly taken: Named[];
  readonly keptBack: (Named & { readonly rule: Rule })[];
  readonly refused: (Named & { readonly code: string; readonly message: string })[];
  readonly changed: (Named & { readonly state: VersionState | 'dropped' })[];
  readonly touched: string[];
}

async function workOf(
  ports: SyncPorts,
  { known, logTime, logSize }: Pick<Work, 'known' | 'logSize'> & { readonly logTime: number },
): Promise<Work> {
  const { uplink, client, own } = ports;
  const events = await client.events();
  const approved = new Set(Object.keys(known.approved));
  return {
    ...ports,
    known,
    logSize,
    takenNow: {},
    circumstances: { filters: uplink.filters, logTime, own, approved },
    states: statesIn(events),
    keyring: keyringFrom(events, uplink.origin),
    ...{ taken: [], keptBack: [], refused: [], changed: [], touched: [] },
  };
}

async function takeAll(work: Work): Promise<void> {
  for (const { index, event } of work.known.published) {
    const id = plainName(event.plugin);
    if (id === null || (work.only !== undefined && work.only !== id)) continue;
    const state = work.states.get(event.digest)?.state ?? 'staged';
    if (HANDED_OUT.has(state)) await consider(work, { id: pluginId(id), index, event });
  }
}

/** Of a private namespace the log tells only a salted hash: none of it is mirrored. */
const plainName = (logged: string): string | null =>
  new RegExp(PLUGIN_ID_PATTERN, 'u').test(logged) ? logged : null;

async function consider(work: Work, offered: Offered): Promise<void> {
  const { uplink, known, tree, circumstances, offers } = work;
  const { id, event } = offered;
  const { version, digest } = event;
  const has = (await versionsOf(tree, id)).get(version)?.digest === digest;
  const rule = keptBackBy({ id, version, digest, publishedAt: event.at }, circumstances);
  if (has && (rule === null || rule === 'min-age' || rule === 'review')) return;
  if (rule !== null) {
    // What is not allowed at all is most of a large origin.
    if (rule !== 'allow') work.keptBack.push({ id, version, rule });
    return has ? await drop(work, offered) : undefined;
  }
  if (uplink.pull && !known.asked.includes(id)) return;
  if (offers?.(id, version) === false) return;
  await attempt(work, offered);
}

async function attempt(work: Work, offered: Offered): Promise<void> {
  const { id, event } = offered;
  const { version } = event;
  const { tree, client, uplink, keyring } = work;
  try {
    const from = { client, tree, logKey: uplink.logKey, keyring };
    const record = await takeVersion(from, offered);
    await takeAttestations(from, record, work.known.own[record.digest] ?? []);
    await writeNamespace(work, namespaceOf(id));
    const versions = await versionsOf(tree, id);
    await writeRecord(tree, id, versions.set(version, withState(work, record)).values());
    work.taken.push({ id, version });
    work.takenNow[record.digest] = work.logSize;
    work.touched.push(id);
  } catch (error) {
    if (work.strict || !(error instanceof HubError)) throw error;
    if (HubError.is(error, 'REGISTRY_UNREACHABLE')) throw error;
    work.refused.push({ id, version, code: error.code, message: error.message });
  }
}

function withState(
  { states }: Work,
  record: Omit<VersionRecord, 'state' | 'reason'>,
): VersionRecord {
  const { state = 'staged', reason = null } = states.get(record.digest) ?? {};
  return { ...record, state, reason };
}

async function drop(work: Work, { id, event }: Offered): Promise<void> {
  const { version, digest } = event;
  await dropVersion(work.tree, { id, version, digest });
  const versions = await versionsOf(work.tree, id);
  versions.delete(version);
  await writeRecord(work.tree, id, versions.values());
  work.changed.push({ id, version, state: 'dropped' });
  work.touched.push(id);
}

/** What hubs ask of a namespace before they read the log. */
async function writeNamespace({ tree }: Work, name: string): Promise<void> {
  await tree.write(namespacePath(name), JSON.stringify({ name, visibility: 'public' }));
}

/** Says of what is mirrored what the log says of it now; the bytes of what is revoked go. */
async function follow(work: Work, hasVouchers: boolean): Promise<void> {
  const { tree, known, states } = work;
  const ids = new Set(known.published.map(({ event }) => plainName(event.plugin)));
  for (const id of ids) {
    if (id === null) continue;
    const versions = await versionsOf(tree, id);
    let isChanged = false;
    for (const record of versions.values()) {
      const { version, digest } = record;
      if (hasVouchers) await takeAttestations(work, record, known.own[digest] ?? []);
      const { state = record.state, reason = null } = states.get(digest) ?? {};
      if (state === record.state) continue;
      if (state === 'revoked') await dropVersion(tree, record);
      versions.set(version, { ...record, state, reason });
      work.changed.push({ id, version, state });
      isChanged = true;
    }
    if (!isChanged) continue;
    await writeRecord(tree, id, versions.values());
    work.touched.push(id);
  }
}
