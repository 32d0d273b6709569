import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PluginId, RunId } from '@runtime-hub/plugin-sdk/contract';
import { refused, systemCode } from './file-errors.ts';

/** What is or was at a path; null for nothing. Times in nanoseconds since 1970, as text. */
export type State =
  | null
  | { readonly kind: 'folder'; readonly owner: Owner }
  | {
      readonly kind: 'file';
      readonly owner: Owner;
      readonly sizeBytes: number;
      readonly modifiedNs: string;
      /** Null for a file too large to be read. */
      readonly sha256: string | null;
    };

interface Owner {
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** One change of a file, and what brings back what was there before. */
export type Change =
  | {
      readonly kind: 'changed';
      readonly path: string;
      readonly before: State;
      readonly after: State;
      /** The bytes of before: a copy, or the beginning of what is there after it. */
      readonly content: 'copy' | 'prefix' | 'none';
    }
  | { readonly kind: 'moved'; readonly path: string; readonly to: string; readonly state: State };

/** Who made a change; nobody else may undo it. */
export interface Maker {
  readonly run: RunId;
  readonly plugin: PluginId;
}

export interface UndoStoreOptions {
  /** Made when missing; must be on a disk, out of every plugin's reach. */
  readonly folder: string;
  /** What one plugin may keep in one run; in all runs together half of the total. */
  readonly maxBytesPerRun?: number;
  readonly maxBytesTotal?: number;
}

/** What runs changed in files, kept until they end; survives the hub. */
export interface UndoStore {
  /** Keeps what undoes a change that is about to be made. Throws FILE_REFUSED when there is no room for it. */
  keep(maker: Maker, change: Change, before: Uint8Array | null): Promise<string>;
  /** Null unless this maker made it. */
  find(maker: Maker, undo: string): Promise<Change | null>;
  /** The copy that was kept. */
  copy(maker: Maker, undo: string): Promise<Buffer>;
  forget(maker: Maker, undo: string): Promise<void>;
  /** Forgets all that a run changed. */
  release(run: RunId): void;
  /** Forgets all but these runs; for a hub that starts. */
  retain(open: readonly RunId[]): void;
}

/** What is kept for one plugin in one run. */
interface Kept {
  readonly run: string;
  readonly plugin: string;
  bytes: number;
  changes: number;
}

const MAX_CHANGES_PER_RUN = 20_000;
const SAFE_NAME = /^[0-9a-z-]{8,64}$/u;

/** Opens the store with what is in its folder. */
export function openUndoStore(options: UndoStoreOptions): UndoStore {
  return new FolderUndoStore(options);
}

class FolderUndoStore implements UndoStore {
  readonly #options: Required<UndoStoreOptions>;
  /** By the folder it is in. */
  readonly #kept = new Map<string, Kept>();

  constructor(options: UndoStoreOptions) {
    const sizes = { maxBytesPerRun: 268_435_456, maxBytesTotal: 1_073_741_824 };
    this.#options = { ...sizes, ...options };
    mkdirSync(options.folder, { recursive: true, mode: 0o700 });
    for (const run of readdirSync(options.folder))
      for (const plugin of readdirSync(join(options.folder, run))) this.#count(run, plugin);
  }

  async keep(maker: Maker, change: Change, before: Uint8Array | null): Promise<string> {
    const bytes = before?.length ?? 0;
    const kept = this.#take(maker, bytes, change.path);
    const undo = randomBytes(16).toString('hex');
    try {
      mkdirSync(this.#folderOf(maker), { recursive: true, mode: 0o700 });
      if (before !== null) await writeNew(this.#file(maker, undo, 'before'), before);
      await writeNew(this.#file(maker, undo, 'json'), Buffer.from(JSON.stringify(change)));
      return undo;
    } catch (error) {
      await this.#remove(maker, undo);
      give(kept, bytes);
      throw error;
    }
  }

  async find(maker: Maker, undo: string): Promise<Change | null> {
    if (!SAFE_NAME.test(maker.run) || !SAFE_NAME.test(undo)) return null;
    try {
      const text = await readFile(this.#file(maker, undo, 'json'), 'utf8');
      // SAFETY: written by `keep`, where no plugin reaches.
      return JSON.parse(text) as Change;
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return null;
      throw error;
    }
  }

  async copy(maker: Maker, undo: string): Promise<Buffer> {
    return await readFile(this.#file(maker, undo, 'before'));
  }

  async forget(maker: Maker, undo: string): Promise<void> {
    const kept = this.#kept.get(this.#folderOf(maker));
    const bytes = sizeOf(this.#file(maker, undo, 'before'));
    await this.#remove(maker, undo);
    if (kept !== undefined) give(kept, bytes);
  }

  release(run: RunId): void {
    this.#releaseAll((it) => it === run);
  }

  retain(open: readonly RunId[]): void {
    const names: ReadonlySet<string> = new Set(open);
    this.#releaseAll((run) => !names.has(run));
  }

  #releaseAll(isOver: (run: string) => boolean): void {
    for (const [folder, { run }] of this.#kept) {
      if (!isOver(run)) continue;
      this.#kept.delete(folder);
      rmSync(join(this.#options.folder, run), { recursive: true, force: true });
    }
  }

  /** Reserves room. */
  #take(maker: Maker, bytes: number, path: string): Kept {
    const { run, plugin } = maker;
    if (!SAFE_NAME.test(run)) throw refused(path, 'the run has no usable name');
    const folder = this.#folderOf(maker);
    const kept = this.#kept.get(folder) ?? { run, plugin: nameOf(plugin), bytes: 0, changes: 0 };
    const { maxBytesPerRun, maxBytesTotal } = this.#options;
    const isFull = kept.bytes + bytes > maxBytesPerRun || kept.changes >= MAX_CHANGES_PER_RUN;
    if (isFull) throw refused(path, 'the run changed more than can be kept to undo it');
    const all = [...this.#kept.values()];
    const own = all.filter((it) => it.plugin === kept.plugin);
    if (sum(all) + bytes > maxBytesTotal || sum(own) + bytes > maxBytesTotal / 2)
      throw refused(path, 'there is no room to keep what undoes it');
    this.#kept.set(folder, kept);
    kept.bytes += bytes;
    kept.changes += 1;
    return kept;
  }

  #count(run: string, plugin: string): void {
    const folder = join(this.#options.folder, run, plugin);
    const names = readdirSync(folder);
    const bytes = names
      .filter((name) => name.endsWith('.before'))
      .reduce((total, name) => total + sizeOf(join(folder, name)), 0);
    const changes = names.filter((name) => name.endsWith('.json')).length;
    this.#kept.set(folder, { run, plugin, bytes, changes });
  }

  async #remove(maker: Maker, undo: string): Promise<void> {
    await rm(this.#file(maker, undo, 'json'), { force: true });
    await rm(this.#file(maker, undo, 'before'), { force: true });
  }

  #folderOf({ run, plugin }: Maker): string {
    return join(this.#options.folder, run, nameOf(plugin));
  }

  #file(maker: Maker, undo: string, kind: 'json' | 'before'): string {
    return join(this.#folderOf(maker), `${undo}.${kind}`);
  }
}

/** The name of a plugin's folder; no id has an underscore. */
const nameOf = (plugin: PluginId): string => plugin.replace('/', '_');

const sum = (kept: readonly Kept[]): number => kept.reduce((total, it) => total + it.bytes, 0);

function give(kept: Kept, bytes: number): void {
  kept.bytes -= bytes;
  kept.changes -= 1;
}

const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;

const writeNew = async (file: string, bytes: Uint8Array): Promise<void> =>
  await writeFile(file, bytes, { flag: 'wx', mode: 0o600, flush: true });
