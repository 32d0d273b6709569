import {
  constants,
  existsSync,
  realpathSync,
  statSync,
  statfsSync,
  type BigIntStats,
} from 'node:fs';
import { open, statfs, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { refused, systemCode } from './file-errors.ts';
import type { FilePath } from './file-path.ts';

const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants;
/** Linux, open(2): a handle that names a thing without touching it. Node has no constant for it. */
const O_PATH = 0o10_000_000;
const PROC_MAGIC = 0x9f_a0;

/** File systems that show the kernel's and other processes' insides, by the magic number of statfs(2). */
const SYSTEM_MAGIC: ReadonlySet<number> = new Set([
  PROC_MAGIC,
  0x62_65_65_72 /* sysfs */,
  0x27_e0_eb /* cgroup */,
  0x63_67_72_70 /* cgroup2 */,
  0x1c_d1 /* devpts */,
  0x64_62_67_20 /* debugfs */,
  0x74_72_61_63 /* tracefs */,
  0x73_63_66_73 /* securityfs */,
  0xca_fe_4a_11 /* bpf */,
  0x61_65_67_6c /* pstore */,
  0xde_5e_81_e4 /* efivarfs */,
  0x62_65_65_70 /* configfs */,
  0xf9_7c_ff_8c /* selinux */,
  0x42_49_4e_4d /* binfmt_misc */,
  0x6e_73_66_73 /* nsfs */,
  0x19_80_02_02 /* mqueue */,
]);
const SYSTEM_FOLDERS = ['/proc', '/sys', '/dev'];

const SYSTEM = 'it belongs to the system';
const HUB = 'it belongs to the hub';
const LINK = 'a part of it is a symbolic link';

export type Identity = `${bigint}:${bigint}`;
export const identityOf = ({ dev, ino }: BigIntStats): Identity => `${dev}:${ino}`;

/** Something found by walking, held so that it stays the same thing whatever happens to its name. */
export class Pinned implements AsyncDisposable {
  readonly stats: BigIntStats;
  readonly #handle: FileHandle;

  constructor(handle: FileHandle, stats: BigIntStats) {
    this.#handle = handle;
    this.stats = stats;
  }

  /** Where the system finds it, or what is named so in it: Linux's stand-in for openat(2). Never to be told to a plugin. */
  at(name?: string): string {
    const path = `/proc/self/fd/${String(this.#handle.fd)}`;
    return name === undefined ? path : `${path}/${name}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }
}

/** A name in a folder, whether there is something or not. */
export interface Place extends AsyncDisposable {
  readonly folder: Pinned;
  readonly name: string;
  /** The path as the plugin gave it. */
  readonly text: string;
}

/** Pins what has a name in a folder, a symbolic link as itself. Null when there is nothing. */
export async function look({ folder, name }: Place): Promise<Pinned | null> {
  try {
    return await pin(folder.at(name), O_NOFOLLOW);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null;
    throw error;
  }
}

/** Like `look`, but throws FILE_REFUSED for a symbolic link. */
export async function lookPlain(place: Place): Promise<Pinned | null> {
  const found = await look(place);
  if (found === null || !found.stats.isSymbolicLink()) return found;
  await found[Symbol.asyncDispose]();
  throw refused(place.text, LINK);
}

async function pin(path: string, flags: number): Promise<Pinned> {
  const handle = await open(path, O_PATH | O_NONBLOCK | flags);
  try {
    return new Pinned(handle, await handle.stat({ bigint: true }));
  } catch (error) {
    await handle.close();
    throw error;
  }
}

export interface WalkOptions {
  /** What `~` stands for. */
  readonly home: string;
  /** Folders of the hub that no plugin reaches under any name. */
  readonly forbidden: readonly string[];
}

/**
 * Walks paths folder by folder, each opened within the one before and none a symbolic link, so that what is reached is
 * what the text says, whoever moves things meanwhile.
 */
export class Walk {
  readonly #options: WalkOptions;

  constructor(options: WalkOptions) {
    this.#options = options;
  }

  /** The folder that holds what a path names. Throws FILE_REFUSED for a root, which no folder holds. */
  async parent(path: FilePath): Promise<Place> {
    const name = path.parts.at(-1);
    if (name === undefined) throw refused(path.text, 'it is where paths begin');
    const folder = await this.#folder(path, path.parts.slice(0, -1));
    return {
      folder,
      name,
      text: path.text,
      [Symbol.asyncDispose]: async () => await folder[Symbol.asyncDispose](),
    };
  }

  /** What a path names: a file, a folder or something else; a symbolic link only for who asks for it. Null when there is nothing. */
  async find(path: FilePath, as: 'plain' | 'link' = 'plain'): Promise<Pinned | null> {
    if (path.parts.length === 0) return await this.#folder(path, []);
    await using place = await this.parent(path);
    const found = await (as === 'link' ? look : lookPlain)(place);
    if (found === null) return null;
    return await checked(found, place.folder, path, this.#limits(path));
  }

  /** Throws FILE_REFUSED for a folder that holds one of the hub's folders, the home, or is one. */
  requireMovable(path: FilePath, folder: Pinned): void {
    const { home, forbidden } = this.#options;
    for (const it of [home, ...forbidden].filter((one) => existsSync(one))) {
      for (let at = realpathSync(it); at !== '/'; at = dirname(at)) {
        if (identityOf(statSync(at, { bigint: true })) === identityOf(folder.stats))
          throw refused(path.text, 'it holds a folder that must stay');
      }
    }
  }

  async #folder(path: FilePath, parts: readonly string[]): Promise<Pinned> {
    requireProc(path);
    const limits = this.#limits(path);
    const start = await pin(path.base === 'home' ? this.#options.home : '/', O_DIRECTORY);
    let at = await checked(start, null, path, limits);
    for (const part of parts) {
      await using before = at;
      at = await folderIn(before, part, path, limits);
    }
    return at;
  }

  /** What must not be walked, by identity, and why; looked up each time, since the hub's folders may be made anew. */
  #limits(path: FilePath): Limits {
    const { home, forbidden } = this.#options;
    const limits = new Map<Identity, string>();
    const add = (folder: string, reason: string): void => {
      const stats = statSync(folder, { bigint: true, throwIfNoEntry: false });
      if (stats !== undefined) limits.set(identityOf(stats), reason);
    };
    if (path.base === 'root') add(home, 'what is in the home is named from “~/”');
    for (const it of SYSTEM_FOLDERS) add(it, SYSTEM);
    for (const it of forbidden) add(it, HUB);
    return limits;
  }
}

type Limits = ReadonlyMap<Identity, string>;

async function folderIn(
  before: Pinned,
  part: string,
  path: FilePath,
  limits: Limits,
): Promise<Pinned> {
  const found = await checked(await pin(before.at(part), O_NOFOLLOW), before, path, limits);
  if (found.stats.isDirectory()) return found;
  await found[Symbol.asyncDispose]();
  throw refused(path.text, found.stats.isSymbolicLink() ? LINK : 'a part of it is no folder');
}

/** The same, or closed and refused. */
async function checked(
  at: Pinned,
  within: Pinned | null,
  path: FilePath,
  limits: Limits,
): Promise<Pinned> {
  const isSystem = async () => !at.stats.isSymbolicLink() && (await isOfSystem(at, within));
  const reason = limits.get(identityOf(at.stats)) ?? ((await isSystem()) ? SYSTEM : null);
  if (reason === null) return at;
  await at[Symbol.asyncDispose]();
  throw refused(path.text, reason);
}

/** Asked where a file system begins only. */
async function isOfSystem(at: Pinned, within: Pinned | null): Promise<boolean> {
  if (at.stats.dev === within?.stats.dev) return false;
  const { type } = await statfs(at.at());
  return SYSTEM_MAGIC.has(type);
}

/** Throws FILE_REFUSED where handles cannot be walked from. */
function requireProc(path: FilePath): void {
  const isLinux = process.platform === 'linux' && existsSync('/proc/self/fd');
  if (isLinux && statfsSync('/proc/self/fd').type === PROC_MAGIC) return;
  throw refused(path.text, 'only on Linux with /proc can the hub open files safely');
}
