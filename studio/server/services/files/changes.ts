import { randomInt } from 'node:crypto';
import { watch, type FSWatcher } from 'node:fs';
import type { ServiceUse } from '@runtime-hub/kernel';
import { HubError, type Json, type ReadOperations } from '@runtime-hub/plugin-sdk/contract';
import type { Static } from 'typebox';
import { fileError, refused, systemCode } from './file-errors.ts';
import { parsePath, type FilePath } from './file-path.ts';
import { identityOf, type Pinned, type Walk } from './walk.ts';

type Args = Static<(typeof ReadOperations)['wait-for-change']['args']>;

/** How long a folder that nobody waits for is still watched, so that changes between two waits count. */
const KEEP_MS = 30_000;
/** What comes within this is one change. */
const SETTLE_MS = 20;
const MAX_NAMES = 1000;
/** The folder by a name that nothing in it can have: how the watch tells of the folder itself. */
const ITSELF = '.';
const MAX_FIRST = 2 ** 40;
const MAX_WATCHED_PER_PLUGIN = 64;

/** Tells of changes in folders by the system's own watch (inotify); nothing is polled. */
export class Changes {
  readonly #walk: Walk;
  readonly #watched = new Map<string, Watched>();

  constructor(walk: Walk) {
    this.#walk = walk;
  }

  /** The operation `wait-for-change`. */
  async wait(
    { path: text, after, timeoutMs }: Args,
    { caller, signal }: ServiceUse,
  ): Promise<Json> {
    const path = parsePath(text);
    const owner = `${caller.plugin} `;
    const key = `${owner}${text}`;
    const { folder, name } = await this.#folderOf(path);
    const known = this.#current(key, folder);
    const watched = known ?? (await this.#open({ key, owner, text, name }, folder));
    using _held = watched.hold();
    if (known !== null) await folder[Symbol.asyncDispose]();
    const change = await watched.wait({ after, timeoutMs }, signal);
    // Told only while the path still leads there: what was moved away may not be looked at any more.
    const isThere = change.names.length === 0 || (await this.#stillLeads(path, watched));
    return isThere ? change : { ...change, names: [] };
  }

  /** A folder is watched itself; of anything else the folder that it is in, so that it may be replaced. */
  async #folderOf(path: FilePath): Promise<{ folder: Pinned; name: string | null }> {
    const found = await this.#walk.find(path);
    if (found?.stats.isDirectory() === true) return { folder: found, name: null };
    if (found === null) throw new HubError('FILE_NOT_FOUND', { path: path.text });
    await found[Symbol.asyncDispose]();
    const { folder, name } = await this.#walk.parent(path);
    return { folder, name };
  }

  async #stillLeads(path: FilePath, { identity }: Watched): Promise<boolean> {
    try {
      const { folder } = await this.#folderOf(path);
      await using now = folder;
      return identityOf(now.stats) === identity;
    } catch {
      // Whatever is wrong with the path by now, the next call says.
      return false;
    }
  }

  #current(key: string, { stats }: Pinned): Watched | null {
    const known = this.#watched.get(key);
    if (known === undefined || known.identity === identityOf(stats)) return known ?? null;
    known.close();
    return null;
  }

  /** Takes over the folder. */
  async #open(
    about: { key: string; owner: string; text: string; name: string | null },
    folder: Pinned,
  ): Promise<Watched> {
    const { key, owner, text, name } = about;
    const onClosed = (): void => {
      if (this.#watched.get(key) === watched) this.#watched.delete(key);
    };
    let watched: Watched | null = null;
    try {
      const many = [...this.#watched.keys()].filter((it) => it.startsWith(owner));
      if (many.length >= MAX_WATCHED_PER_PLUGIN)
        throw refused(text, 'the plugin watches too many folders');
      watched = new Watched({ folder, text, name, onClosed });
      this.#watched.set(key, watched);
      return watched;
    } catch (error) {
      await folder[Symbol.asyncDispose]();
      throw error;
    }
  }
}

interface Change {
  readonly [key: string]: Json;
  readonly change: number;
  readonly names: readonly string[];
  readonly timedOut: boolean;
}

interface WatchedOptions {
  /** Held as long as it is watched, so that no other folder gets its number. */
  readonly folder: Pinned;
  readonly text: string;
  /** Of changes in the folder only those of this name; null for all. */
  readonly name: string | null;
  readonly onClosed: () => void;
}

/** Numbers the changes of one folder for one plugin. */
class Watched {
  readonly identity: string;
  readonly #options: WatchedOptions;
  readonly #watcher: FSWatcher;
  readonly #waiting = new Set<() => void>();
  /** The number of the last change of each name; the one changed longest ago first. */
  readonly #names = new Map<string, number>();
  /** Begins anywhere, so that a number of another watch is not taken for one of this. */
  readonly #first = randomInt(1, MAX_FIRST);
  #change = this.#first;
  #failed: unknown = null;
  #settling: ReturnType<typeof setTimeout> | undefined;
  #idle: ReturnType<typeof setTimeout> | undefined;
  #holders = 0;

  constructor(options: WatchedOptions) {
    const { folder, text } = options;
    this.#options = options;
    this.identity = identityOf(folder.stats);
    try {
      this.#watcher = watch(folder.at(ITSELF), { persistent: false });
    } catch (error) {
      if (systemCode(error) === 'ENOSPC')
        throw refused(text, 'the machine watches too many folders');
      throw fileError(text, error);
    }
    this.#watcher.on('change', (_type, name) => this.#heard(String(name)));
    this.#watcher.on('error', (error) => this.#fail(fileError(text, error)));
  }

  /** Keeps it from being idle until disposed. */
  hold(): Disposable {
    clearTimeout(this.#idle);
    this.#holders += 1;
    return {
      [Symbol.dispose]: () => {
        this.#holders -= 1;
        if (this.#holders > 0 || this.#failed !== null) return;
        this.#idle = setTimeout(() => this.close(), KEEP_MS).unref();
      },
    };
  }

  close(): void {
    this.#fail(refused(this.#options.text, 'it is no longer what was watched'));
  }

  async wait(
    { after, timeoutMs }: { readonly after: number; readonly timeoutMs: number },
    signal: AbortSignal,
  ): Promise<Change> {
    signal.throwIfAborted();
    // A number of another watch: changes may have been missed, which counts as one.
    const isOther = after !== 0 && (after < this.#first || after > this.#change);
    if (isOther) this.#change = Math.max(after, this.#change) + 1;
    const since = after === 0 || isOther ? this.#change - Number(isOther) : after;
    if (this.#change === since) await this.#next(timeoutMs, signal);
    if (this.#failed !== null) throw this.#failed;
    const names = [...this.#names].filter(([, change]) => change > since).map(([name]) => name);
    return {
      change: this.#change,
      names: names.sort(byText),
      timedOut: this.#change === since,
    };
  }

  async #next(timeoutMs: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const abort = (): void => reject(signal.reason);
    const late = setTimeout(resolve, timeoutMs);
    this.#waiting.add(resolve);
    signal.addEventListener('abort', abort, { once: true });
    try {
      await promise;
    } finally {
      clearTimeout(late);
      this.#waiting.delete(resolve);
      signal.removeEventListener('abort', abort);
    }
  }

  #heard(name: string): void {
    const { name: only } = this.#options;
    if (only !== null && only !== name) return;
    this.#names.delete(name);
    if (name !== ITSELF) this.#names.set(name, this.#change + 1);
    const [oldest] = this.#names.keys();
    if (this.#names.size > MAX_NAMES && oldest !== undefined) this.#names.delete(oldest);
    this.#settling ??= setTimeout(() => this.#settled(), SETTLE_MS).unref();
  }

  #settled(): void {
    this.#settling = undefined;
    this.#change += 1;
    for (const wake of this.#waiting) wake();
  }

  #fail(error: unknown): void {
    if (this.#failed !== null) return;
    clearTimeout(this.#idle);
    clearTimeout(this.#settling);
    this.#failed = error;
    this.#watcher.close();
    void this.#options.folder[Symbol.asyncDispose]();
    this.#options.onClosed();
    for (const wake of this.#waiting) wake();
  }
}

const byText = (one: string, other: string): number => (one < other ? -1 : Number(one > other));
