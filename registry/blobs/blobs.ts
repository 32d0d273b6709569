import { constants, createReadStream, readdirSync } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';

/** Artifacts by digest (`sha512-<hex>`), one file each, never changed. */
export interface Blobs {
  /** Resolves when the bytes survive power loss. */
  put(digest: string, bytes: Uint8Array): Promise<void>;
  /** Null when it is not there. */
  read(digest: string): Promise<{ readonly bytes: number; stream(): ReadableStream } | null>;
  has(digest: string): Promise<boolean>;
  fileOf(digest: string): string;
  digests(): readonly string[];
}

/** Opens the folder of blobs, made when missing; what a dead process left half-written is removed. */
export async function openBlobs(folder: string): Promise<Blobs> {
  const half = join(folder, 'incoming');
  await rm(half, { recursive: true, force: true });
  await mkdir(half, { recursive: true, mode: 0o700 });
  const folderOf = (digest: string): string => join(folder, hexOf(digest).slice(0, 2));
  const fileOf = (digest: string): string => join(folderOf(digest), hexOf(digest));
  const sizeOf = async (digest: string): Promise<number | null> =>
    await stat(fileOf(digest)).then(
      (it) => it.size,
      () => null,
    );
  return {
    fileOf,
    has: async (digest) => (await sizeOf(digest)) !== null,
    put: async (digest, bytes) => {
      if ((await sizeOf(digest)) === bytes.length) return;
      const temporary = join(half, randomUUID());
      await writeSynced(temporary, bytes);
      await mkdir(folderOf(digest), { recursive: true, mode: 0o700 });
      await rename(temporary, fileOf(digest));
      await syncFolder(folderOf(digest));
      await syncFolder(folder);
    },
    read: async (digest) => {
      const bytes = await sizeOf(digest);
      if (bytes === null) return null;
      return { bytes, stream: () => streamOf(fileOf(digest)) };
    },
    digests: () =>
      readdirSync(folder)
        .filter((name) => /^[0-9a-f]{2}$/u.test(name))
        .flatMap((name) => readdirSync(join(folder, name)).map((file) => `sha512-${file}`)),
  };
}

function hexOf(digest: string): string {
  const [, hex] = /^sha512-([0-9a-f]{128})$/u.exec(digest) ?? [];
  if (hex === undefined) throw new Error('that is no digest');
  return hex;
}

/** A file's bytes; it is opened when somebody reads, and closed when they stop: an answer to HEAD is never read. */
function streamOf(file: string): ReadableStream {
  let chunks: AsyncIterator<Uint8Array> | null = null;
  const source = {
    pull: async (controller: ReadableStreamDefaultController) => {
      // SAFETY: without an encoding a file's stream gives bytes.
      chunks ??= createReadStream(file)[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
      const { done, value } = await chunks.next();
      if (done === true) controller.close();
      else controller.enqueue(value);
    },
    cancel: async () => void (await chunks?.return?.()),
  };
  return new ReadableStream(source, { highWaterMark: 0 });
}

async function writeSynced(file: string, bytes: Uint8Array): Promise<void> {
  await using handle = await open(file, 'wx', 0o600);
  await handle.writeFile(bytes);
  await handle.sync();
}

/** Makes the folder's entries, not only the files, survive power loss. */
async function syncFolder(folder: string): Promise<void> {
  await using handle = await open(folder, constants.O_RDONLY);
  await handle.sync();
}
