import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { CheckpointStore } from '@runtime-hub/plugin-sdk/artifact';

/** A folder in which a client remembers what it saw, by origin; nothing in it is secret. */
export interface Memory extends CheckpointStore {
  /** What was kept under a name; null when there is nothing. */
  recall(origin: string, name: string): Promise<string | null>;
  keep(origin: string, name: string, text: string): Promise<void>;
}

export function folderMemory(folder: string): Memory {
  // An origin has no slash; its colon before a port is not for every file system.
  const fileOf = (origin: string, name: string): string =>
    join(folder, origin.replace(':', '_'), name);
  const recall = async (origin: string, name: string): Promise<string | null> => {
    try {
      return await readFile(fileOf(origin, name), 'utf8');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
      throw error;
    }
  };
  const keep = async (origin: string, name: string, text: string): Promise<void> => {
    const file = fileOf(origin, name);
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    const next = `${file}.new`;
    const handle = await open(next, 'w', 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(next, file);
  };
  return {
    recall,
    keep,
    read: async (origin) => await recall(origin, 'checkpoint'),
    write: async (origin, checkpoint) => await keep(origin, 'checkpoint', checkpoint),
  };
}

/** Forgets with its owner: for tests, and for tools that look once. */
export function shortMemory(): Memory {
  const known = new Map<string, string>();
  const recall = async (origin: string, name: string) =>
    await Promise.resolve(known.get(`${origin} ${name}`) ?? null);
  const keep = async (origin: string, name: string, text: string) => {
    known.set(`${origin} ${name}`, text);
    await Promise.resolve();
  };
  return {
    recall,
    keep,
    read: async (origin) => await recall(origin, 'checkpoint'),
    write: async (origin, checkpoint) => await keep(origin, 'checkpoint', checkpoint),
  };
}
