import { hash, randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BlobAccess, Caller, Clock, Service } from '@runtime-hub/kernel';
import {
  HubError,
  type BlobHandle,
  type Json,
  type PluginId,
  type RunId,
} from '@runtime-hub/plugin-sdk/contract';
import { drop, makeBlobFolder } from './blob-folder.ts';
import { agrees, handlesIn, type NamedBlob } from './blob-handles.ts';
import { BlobShares } from './blob-shares.ts';
import { BlobCopier } from './blob-copier.ts';
import type { Copied, CopyRequest } from './blob-copier-thread.ts';
import { openBlobInput, parseBlobInput, readInput, SMALL_BYTES } from './blob-input.ts';

export interface BlobsOptions {
  readonly clock: Clock;
  /** Made by the caller; a fresh one in memory when left out. Removed at close. */
  readonly folder?: string;
  readonly maxBytesPerBlob?: number;
  /** Beyond it the blobs longest unused are forgotten. */
  readonly maxBytesTotal?: number;
  /** What one plugin may keep; beyond it its own longest unused are forgotten, and nobody else's. */
  readonly maxBytesPerPlugin?: number;
  /** How long what a run made is kept after its end. */
  readonly keepMs?: number;
  readonly meter?: { addBlobBytes(plugin: PluginId, bytes: number): void };
}

/** Large values kept once, by their digest, in memory, and read by the hosts they were shared with. */
export interface Blobs {
  readonly service: Service;
  readonly access: BlobAccess;
  readonly folder: string;
  /** Bytes that are kept. */
  readonly sizeBytes: number;
  /** The bytes, for the hub itself or for host `reader`. Rejects with BLOB_NOT_FOUND, also when that host may not read it. */
  read(handle: BlobHandle, reader?: string | null): Promise<Uint8Array>;
  /** Keeps bytes that the hub fetched for a plugin, which its host may then read. Rejects with BLOB_TOO_LARGE. */
  add(bytes: Buffer, mime: string, caller: Caller): Promise<BlobHandle>;
  /** Forgets what a run made, after the time for which people may still look at it. */
  runEnded(run: RunId): void;
  close(): void;
}

interface Blob {
  readonly handle: BlobHandle;
  readonly plugin: PluginId;
  readonly run: RunId | null;
  readonly readers: Set<string>;
}

const MAX_BLOBS = 10_000;
const MAX_BLOBS_PER_PLUGIN = 2500;
const NEW = { mode: 0o400, flag: 'wx' } as const;
const HOST_NAME = /^[A-Za-z0-9_-]{1,100}$/u;

/** Opens the store of blobs. Whatever it holds is gone when it closes: a later hub starts with none. */
export function createBlobs(options: BlobsOptions): Blobs {
  const store = new BlobStore(options);
  return {
    service: {
      capability: 'blobs',
      async call(operation, args, { caller, signal }) {
        const need = `blobs.${operation}`;
        if (operation === 'put') return await store.putInTurn(args, caller, signal);
        throw new HubError('CAPABILITY_DENIED', { plugin: caller.plugin, need });
      },
    },
    access: {
      open: (host) => store.openHost(host),
      share: (value, from, host) => store.share(value, from, host),
      close: (host) => store.closeHost(host),
    },
    folder: store.folder,
    get sizeBytes() {
      return store.sizeBytes;
    },
    read: async (handle, reader = null) => await store.read(handle, reader),
    add: async (bytes, mime, caller) => await store.add(bytes, mime, caller),
    runEnded: (run) => store.runEnded(run),
    close: () => store.close(),
  };
}

class BlobStore {
  readonly #options: Required<Omit<BlobsOptions, 'meter'>> & Pick<BlobsOptions, 'meter'>;
  /** By handle id; the one used longest ago first. */
  readonly #blobs = new Map<string, Blob>();
  /** By digest: how many handles it has. */
  readonly #kept = new Map<string, number>();
  readonly #copier = new BlobCopier();
  readonly #hosts = new Set<string>();
  readonly #shares: BlobShares;
  /** Handles that runs made which have not ended. */
  readonly #ofRuns = new Map<RunId, Set<string>>();
  readonly #ends = new Set<Disposable>();
  #bytes = 0;

  constructor(options: BlobsOptions) {
    this.#shares = new BlobShares(options.clock);
    const folder = options.folder ?? makeBlobFolder();
    const sizes = {
      maxBytesPerBlob: 67_108_864,
      maxBytesTotal: 536_870_912,
      maxBytesPerPlugin: 134_217_728,
      keepMs: 60_000,
    };
    this.#options = { ...sizes, ...options, folder };
    mkdirSync(join(folder, 'kept'), { recursive: true, mode: 0o700 });
  }

  get folder(): string {
    return this.#options.folder;
  }

  get sizeBytes(): number {
    return this.#bytes;
  }

  openHost(host: string) {
    if (!HOST_NAME.test(host)) throw new HubError('BLOB_NOT_FOUND', { blob: host });
    const folders = {
      inFolder: this.#hostPath(host, 'in'),
      outFolder: this.#hostPath(host, 'out'),
    };
    for (const it of Object.values(folders)) mkdirSync(it, { recursive: true, mode: 0o700 });
    this.#hosts.add(host);
    return folders;
  }

  closeHost(host: string): void {
    if (!this.#hosts.delete(host)) return;
    for (const { readers } of this.#blobs.values()) readers.delete(host);
    rmSync(this.#hostPath(host), { recursive: true, force: true });
  }

  /** Puts nothing for a caller that is gone when its turn comes: nobody would forget it with its run. */
  async putInTurn(args: Json, caller: Caller, signal: AbortSignal): Promise<BlobHandle> {
    return await this.#shares.inTurn(caller.plugin, async () => {
      signal.throwIfAborted();
      return await this.#put(args, caller);
    });
  }

  async #put(args: Json, caller: Caller): Promise<BlobHandle> {
    const { host } = caller;
    const { file, mime } = parseBlobInput(args);
    if (host === null || !this.#hosts.has(host))
      throw new HubError('BLOB_NOT_FOUND', { blob: file });
    const folder = this.#hostPath(host, 'out');
    using input = openBlobInput(folder, file, this.#options.maxBytesPerBlob);
    const kept = await this.#keep(input.sizeBytes <= SMALL_BYTES ? readInput(input) : input);
    drop(this.#hostPath(host, 'out', file));
    return this.#handleOf(kept, mime, caller);
  }

  async add(bytes: Buffer, mime: string, caller: Caller): Promise<BlobHandle> {
    const { maxBytesPerBlob: maxBytes } = this.#options;
    if (bytes.length > maxBytes)
      throw new HubError('BLOB_TOO_LARGE', { sizeBytes: bytes.length, maxBytes });
    return this.#handleOf(await this.#keep(bytes), mime, caller);
  }

  #handleOf(kept: Copied, mime: string, { host, plugin, run }: Caller): BlobHandle {
    const { sha256, sizeBytes } = kept;
    const $blob = randomBytes(16).toString('hex');
    const handle = { $blob, mime, sizeBytes, sha256 };
    this.#blobs.set($blob, { handle, plugin, run, readers: new Set() });
    if (run !== null) this.#ofRuns.set(run, (this.#ofRuns.get(run) ?? new Set()).add($blob));
    this.#shares.add(plugin, sizeBytes);
    this.#options.meter?.addBlobBytes(plugin, sizeBytes);
    this.#makeRoom(plugin);
    if (host !== null && this.#hosts.has(host)) this.#lend($blob, host);
    return handle;
  }

  /** Grants every handle in `value`; all are checked before the first is granted. */
  share(value: Json, from: string | null, host: string): void {
    const named = handlesIn(value);
    for (const handle of named) this.#check(handle, from);
    if (named.length === 0 || from === host) return;
    if (!this.#hosts.has(host)) throw new HubError('BLOB_NOT_FOUND', { blob: host });
    for (const { $blob } of named) this.#lend($blob, host);
  }

  async read(handle: BlobHandle, reader: string | null): Promise<Uint8Array> {
    const { $blob, sha256 } = this.#check({ ...handle }, reader).handle;
    return await readFile(this.#keptFile(sha256)).catch((cause: unknown) => {
      throw new HubError('BLOB_NOT_FOUND', { blob: $blob }, { cause });
    });
  }

  runEnded(run: RunId): void {
    const made = this.#ofRuns.get(run);
    if (made === undefined) return;
    this.#ofRuns.delete(run);
    const { clock, keepMs } = this.#options;
    const end = clock.after(keepMs, () => {
      this.#ends.delete(end);
      for (const $blob of made) this.#forget($blob);
    });
    this.#ends.add(end);
  }

  close(): void {
    for (const end of this.#ends) end[Symbol.dispose]();
    this.#copier[Symbol.dispose]();
    this.#blobs.clear();
    this.#hosts.clear();
    rmSync(this.#options.folder, { recursive: true, force: true });
  }

  async #keep(from: CopyRequest['from']): Promise<Copied> {
    if (from instanceof Uint8Array && from.length <= SMALL_BYTES) {
      const copied = { sha256: hash('sha256', from, 'hex'), sizeBytes: from.length };
      return this.#keepOnce(copied, (path) => writeFileSync(path, from, NEW));
    }
    const part = this.#keptFile(`${randomBytes(16).toString('hex')}.part`);
    try {
      const copied = await this.#copier.copy(from, part);
      return this.#keepOnce(copied, (path) => renameSync(part, path));
    } finally {
      drop(part);
    }
  }

  /** Places bytes once; a digest that is kept is not placed again. */
  #keepOnce(copied: Copied, place: (path: string) => void): Copied {
    const { sha256, sizeBytes } = copied;
    const handles = this.#kept.get(sha256) ?? 0;
    if (handles === 0) place(this.#keptFile(sha256));
    this.#bytes += handles === 0 ? sizeBytes : 0;
    this.#kept.set(sha256, handles + 1);
    return copied;
  }

  /** The blob a handle stands for; a handle that says other than what was kept is a forgery. */
  #check(handle: NamedBlob, from: string | null): Blob {
    const blob = this.#blobs.get(handle.$blob);
    const readable = blob !== undefined && (from === null || blob.readers.has(from));
    if (!readable || !agrees(handle, blob.handle)) {
      throw new HubError('BLOB_NOT_FOUND', { blob: handle.$blob.slice(0, 64) });
    }
    this.#blobs.delete(handle.$blob);
    this.#blobs.set(handle.$blob, blob);
    return blob;
  }

  #lend($blob: string, host: string): void {
    const blob = this.#blobs.get($blob);
    if (blob === undefined || blob.readers.has(host)) return;
    linkSync(this.#keptFile(blob.handle.sha256), this.#hostPath(host, 'in', $blob));
    blob.readers.add(host);
  }

  /** A plugin that keeps more than its share loses its own; only when all together are too many, any. */
  #makeRoom(plugin: PluginId): void {
    const { maxBytesPerPlugin, maxBytesTotal } = this.#options;
    const over = (): 'all' | 'own' | null => {
      if (this.#bytes > maxBytesTotal || this.#blobs.size > MAX_BLOBS) return 'all';
      const { bytes, blobs } = this.#shares.of(plugin);
      return bytes > maxBytesPerPlugin || blobs > MAX_BLOBS_PER_PLUGIN ? 'own' : null;
    };
    for (const blob of this.#blobs.values()) {
      const which = over();
      if (which === null || this.#blobs.size <= 1) return;
      if (which === 'all' || blob.plugin === plugin) this.#forget(blob.handle.$blob);
    }
  }

  #forget($blob: string): void {
    const blob = this.#blobs.get($blob);
    if (blob === undefined) return;
    const { handle, plugin, readers, run } = blob;
    const { sha256, sizeBytes } = handle;
    this.#blobs.delete($blob);
    this.#shares.remove(plugin, sizeBytes);
    if (run !== null) this.#ofRuns.get(run)?.delete($blob);
    for (const host of readers) drop(this.#hostPath(host, 'in', $blob));
    const handles = (this.#kept.get(sha256) ?? 0) - 1;
    this.#kept.set(sha256, handles);
    if (handles > 0) return;
    this.#kept.delete(sha256);
    this.#bytes -= sizeBytes;
    unlinkSync(this.#keptFile(sha256));
  }

  #hostPath(host: string, ...rest: readonly string[]): string {
    return join(this.#options.folder, 'hosts', host, ...rest);
  }

  #keptFile(sha256: string): string {
    return join(this.#options.folder, 'kept', sha256);
  }
}
