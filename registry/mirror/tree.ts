import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** A mirror's files by their path, such as `v1/index.json`: what any web server can serve. */
export interface Tree {
  /** Null when it is not there. */
  read(path: string): Promise<Buffer | null>;
  has(path: string): Promise<boolean>;
  /** A reader sees the old bytes or the new ones, never a part. */
  write(path: string, bytes: Uint8Array | string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Names of the files of a folder, sorted. */
  names(folder: string): Promise<readonly string[]>;
}

/** The tree in a folder. Paths come from what was verified, or passed `fileFor`. */
export function folderTree(folder: string): Tree {
  return {
    read: async (path) => await orNull(readFile(join(folder, path))),
    has: async (path) => (await orNull(stat(join(folder, path))))?.isFile() ?? false,
    write: async (path, bytes) => await writeWhole(join(folder, path), bytes),
    remove: async (path) => await rm(join(folder, path), { force: true }),
    names: async (path) => ((await orNull(readdir(join(folder, path)))) ?? []).toSorted(),
  };
}

/** What would become of a tree: reads from it, and keeps what is written to itself. Artifacts are not kept. */
export function rehearsal(tree: Tree): Tree {
  const changed = new Map<string, Buffer | null>();
  return {
    read: async (path) => {
      const known = changed.get(path);
      return known === undefined ? await tree.read(path) : known;
    },
    has: async (path) => (changed.has(path) ? changed.get(path) !== null : await tree.has(path)),
    write: async (path, bytes) => {
      changed.set(path, isBlob(path) ? Buffer.alloc(0) : Buffer.from(bytes));
      await Promise.resolve();
    },
    remove: async (path) => {
      changed.set(path, null);
      await Promise.resolve();
    },
    names: async (folder) => await tree.names(folder),
  };
}

const isBlob = (path: string): boolean => path.startsWith('v1/blobs/');

async function writeWhole(file: string, bytes: Uint8Array | string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o755 });
  const next = `${file}.${randomUUID()}.new`;
  const handle = await open(next, 'wx', 0o644);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(next, file);
}

/** Null for what is not there, or is a folder where a file should be. */
async function orNull<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    if (code === 'ENOENT' || code === 'EISDIR' || code === 'ENOTDIR') return null;
    throw error;
  }
}
