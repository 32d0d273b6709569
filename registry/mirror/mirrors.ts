import { HubError, pluginId, type VersionRecord } from '@runtime-hub/plugin-sdk/contract';
import { notFound } from '../http/index.ts';
import type { Parts } from '../parts.ts';
import { neverTaken } from './filter.ts';
import { answersOf, bringUpToDate, servedTree, type LookOptions } from './mirror.ts';
import { readNotes, writeNotes, type Notes } from './notes.ts';
import { blobPath, recordPath } from './paths.ts';
import { versionsOf } from './records.ts';
import type { SyncReport } from './sync.ts';
import { takeAttestationsHere } from './take-version.ts';
import { folderTree } from './tree.ts';
import { allUplinks, mirrorFolder, readUplink, type Uplink } from './uplink.ts';
import { isKnown, mirrorKey, ownWord, takeDown, type Vouched } from './vouch.ts';

const MINUTE_MS = 60_000;
/** Who asks for something that is not here yet waits this long at most; a client gives up after 800 ms. */
const PATIENCE_MS = 600;
/** An origin is not asked more often than this for what nobody has heard of. */
const SELDOM_MS = 10_000;

export interface MirrorState {
  readonly origin: string;
  readonly url: string | null;
  /** When the origin was last seen; null for never. */
  readonly seenAt: number | null;
  readonly error: { readonly code: string; readonly message: string } | null;
}

type Report = (line: Readonly<Record<string, unknown>>) => void;

/**
 * The mirrors of a registry. Readers are answered from files and never wait for an origin, but for a moment when they are
 * the first to ask for something; whatever changes a mirror happens one after the other.
 */
export class Mirrors implements Disposable {
  readonly #parts: Parts;
  readonly #report: Report;
  #isClosed = false;
  readonly #turns = new Map<string, Promise<unknown>>();
  readonly #states = new Map<
    string,
    { triedAt: number; seenAt: number | null; error: HubError | null }
  >();

  constructor(parts: Parts, report: Report) {
    this.#parts = parts;
    this.#report = report;
  }

  list(): readonly MirrorState[] {
    return allUplinks(this.#parts.folder).map(({ origin, url }) => {
      const { seenAt = null, error = null } = this.#states.get(origin) ?? {};
      const { code = '', message = '' } = error ?? {};
      return { origin, url, seenAt, error: error === null ? null : { code, message } };
    });
  }

  /** What a mirror answers to a GET of a registry's address. Throws REGISTRY_NOT_FOUND, REGISTRY_KEPT_BACK, REGISTRY_UNREACHABLE. */
  async answer(origin: string, path: string): Promise<Buffer> {
    const { folder, uplink } = this.#at(origin);
    const [, id] = /^\/v1\/plugins\/([^/?]+\/[^/?]+)$/u.exec(path) ?? [];
    if (id !== undefined && !(await servedTree(folder).has(recordPath(id))))
      await this.#fetchFor(uplink, id);
    return await answersOf(folder, origin).get(path);
  }

  /** Looks at an origin now. */
  async look(origin: string, options: LookOptions = {}): Promise<SyncReport> {
    return await this.#alone(origin, async () => await this.#look(origin, options));
  }

  /** Looks at every origin whose time has come, in the background, and vouches for what was imported. */
  tick(): void {
    const now = this.#parts.clock.now();
    for (const { origin, url, everyMinutes } of allUplinks(this.#parts.folder)) {
      const { triedAt = -Infinity } = this.#states.get(origin) ?? {};
      if (now - triedAt < everyMinutes * MINUTE_MS || this.#turns.has(origin)) continue;
      this.#states.set(origin, {
        seenAt: null,
        error: null,
        ...this.#states.get(origin),
        triedAt: now,
      });
      const work = url === null ? this.#vouch(origin) : this.look(origin);
      work.catch((error: unknown) => this.#tell(origin, error));
    }
  }

  /** Lets a version go that waits for review. Throws REGISTRY_NOT_FOUND. */
  async approve(
    origin: string,
    { id, version }: { readonly id: string; readonly version: string },
    word: { readonly by: string; readonly reason: string },
  ): Promise<void> {
    const { folder, uplink } = this.#at(origin);
    await this.#alone(origin, async () => {
      const digest = await digestOf(folder, id, version);
      await changeNotes(folder, (notes) => ({
        ...notes,
        approved: { ...notes.approved, [digest]: word },
      }));
      if (uplink.url !== null) await this.#look(origin, { only: id });
    });
  }

  /** Takes down what somebody vouches for, in this registry's own log. Throws SIGNATURE_…, REGISTRY_REQUEST_INVALID. */
  async vouch(
    origin: string,
    { id, version }: { readonly id: string; readonly version: string },
    vouched: Vouched,
  ): Promise<void> {
    const { folder } = this.#at(origin);
    await this.#alone(origin, async () => {
      const digest = await digestOf(folder, id, version);
      const subject = { id, version, digest };
      const { own } = await readNotes(folderTree(folder));
      if (isKnown(own[digest] ?? [], vouched.bundle))
        throw new HubError('REGISTRY_REQUEST_INVALID', {
          field: 'bundle',
          problem: 'is there already',
        });
      const { bundle } = takeDown(this.#parts, vouched, subject);
      await addOwn(folder, subject, bundle);
    });
  }

  /** What is under way ends by itself, and writes nothing more to the store. */
  [Symbol.dispose](): void {
    this.#isClosed = true;
  }

  #at(origin: string): { readonly folder: string; readonly uplink: Uplink } {
    if (!/^[a-z0-9][a-z0-9.:-]{0,259}$/u.test(origin)) throw notFound('mirror');
    const folder = mirrorFolder(this.#parts.folder, origin);
    return { folder, uplink: readUplink(folder, origin) };
  }

  async #look(origin: string, options: LookOptions): Promise<SyncReport> {
    const { folder, uplink } = this.#at(origin);
    const { store, clock } = this.#parts;
    const { url } = uplink;
    if (url === null)
      throw new HubError('REGISTRY_UNREACHABLE', {
        registry: origin,
        detail: 'it is only imported',
      });
    const own = new Set(store.namespaces.all().map(({ name }) => name));
    const ports = { folder, uplink, own, now: () => clock.now() };
    const triedAt = clock.now();
    const report = await bringUpToDate(ports, { url }, options);
    this.#states.set(origin, { triedAt, seenAt: clock.now(), error: null });
    this.#report({ event: 'mirrored', ...report });
    await this.#vouchAlone(origin);
    return report;
  }

  async #vouch(origin: string): Promise<void> {
    await this.#alone(origin, async () => await this.#vouchAlone(origin));
  }

  /** Adds this registry's own word to what it took, once each. */
  async #vouchAlone(origin: string): Promise<void> {
    if (this.#isClosed) return;
    const { folder } = this.#at(origin);
    const { takenAt, own, published } = await readNotes(folderTree(folder));
    const missing = new Set(Object.keys(takenAt).filter((digest) => own[digest] === undefined));
    if (missing.size === 0) return;
    const key = mirrorKey(this.#parts.folder);
    for (const { event } of published) {
      if (!missing.has(event.digest)) continue;
      const record = (await versionsOf(servedTree(folder), event.plugin)).get(event.version);
      const artifact = await servedTree(folder).read(blobPath(event.digest));
      if (record === undefined || artifact === null) continue;
      const word = await ownWord(key, `mirror ${this.#parts.log.origin}`, record, artifact);
      if (this.#isClosed) return;
      await addOwn(folder, record, takeDown(this.#parts, word, record).bundle);
    }
  }

  /** For the first who asks: what is allowed is fetched, for as long as a client waits. */
  async #fetchFor({ origin, pull, filters, url }: Uplink, id: string): Promise<void> {
    const { folder, store, clock } = this.#parts;
    if (!pull || url === null) return;
    const own = new Set(store.namespaces.all().map(({ name }) => name));
    const rule = neverTaken(id, { filters, own });
    if (rule !== null) throw new HubError('REGISTRY_KEPT_BACK', { plugin: id, origin, rule });
    const place = mirrorFolder(folder, origin);
    const { published } = await readNotes(folderTree(place));
    const isKnownThere = published.some(({ event }) => event.plugin === id);
    const { triedAt = -Infinity } = this.#states.get(origin) ?? {};
    if (!isKnownThere && clock.now() - triedAt < SELDOM_MS) return;
    this.#states.set(origin, {
      seenAt: null,
      error: null,
      ...this.#states.get(origin),
      triedAt: clock.now(),
    });
    const fetching = this.#alone(origin, async () => {
      await changeNotes(place, (notes) =>
        notes.asked.includes(id)
          ? notes
          : { ...notes, asked: [...notes.asked, id].slice(-MAX_ASKED) },
      );
      await this.#look(origin, { only: id });
    });
    fetching.catch((error: unknown) => this.#tell(origin, error));
    await soon(
      fetching,
      new HubError('REGISTRY_UNREACHABLE', { registry: origin, detail: 'it is slow; ask again' }),
    );
  }

  #tell(origin: string, error: unknown): void {
    const known = error instanceof HubError ? error : null;
    const { triedAt = this.#parts.clock.now(), seenAt = null } = this.#states.get(origin) ?? {};
    this.#states.set(origin, { triedAt, seenAt, error: known });
    const level = known === null ? 'error' : 'warning';
    this.#report({ level, event: 'mirror', origin, error: known?.code ?? String(error) });
  }

  async #alone<T>(origin: string, act: () => Promise<T>): Promise<T> {
    const turn = (this.#turns.get(origin) ?? Promise.resolve()).then(act, act);
    const quiet = turn.then(
      () => undefined,
      () => undefined,
    );
    this.#turns.set(origin, quiet);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(origin) === quiet) this.#turns.delete(origin);
    }
  }
}

const MAX_ASKED = 10_000;

async function changeNotes(folder: string, change: (notes: Notes) => Notes): Promise<void> {
  const tree = folderTree(folder);
  await writeNotes(tree, change(await readNotes(tree)));
}

async function addOwn(
  folder: string,
  subject: Pick<VersionRecord, 'version' | 'digest'> & { readonly id: string },
  bundle: string,
): Promise<void> {
  const { digest } = subject;
  await changeNotes(folder, (notes) => ({
    ...notes,
    own: { ...notes.own, [digest]: [...(notes.own[digest] ?? []), bundle] },
  }));
  await takeAttestationsHere(servedTree(folder), subject, [bundle]);
}

/** Digest of a version the origin's log announced, whether it is handed on or waits. */
async function digestOf(folder: string, id: string, version: string): Promise<string> {
  const { published } = await readNotes(folderTree(folder));
  const found = published.find(
    ({ event }) => event.plugin === pluginId(id) && event.version === version,
  );
  if (found === undefined) throw notFound('version');
  return found.event.digest;
}

async function soon(work: Promise<unknown>, late: HubError): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(late), PATIENCE_MS);
  try {
    await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}
