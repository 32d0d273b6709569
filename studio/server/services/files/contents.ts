import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { HubError } from '@runtime-hub/plugin-sdk/contract';
import { refused } from './file-errors.ts';
import type { Pinned } from './walk.ts';

/** The most one operation reads or writes; what is larger is neither kept nor changed. */
export const MAX_FILE_BYTES = 67_108_864;
/** So much goes at once; between two the signal is looked at. */
const CHUNK_BYTES = 1_048_576;

/** Throws FILE_REFUSED for what has no bytes of its own: folders, pipes, devices, sockets. */
export function requireFile({ stats }: Pinned, text: string): void {
  if (stats.isFile()) return;
  throw refused(text, stats.isDirectory() ? 'it is a folder' : 'it is no file');
}

/**
 * The bytes a pinned file had when it was found; what it grows by meanwhile is not read.
 * Throws FILE_TOO_LARGE, FILE_REFUSED for what is no file, or the signal's reason.
 */
export async function readAll(
  file: Pinned,
  { text, maxBytes, signal }: { text: string; maxBytes: number; signal: AbortSignal },
): Promise<Buffer> {
  requireFile(file, text);
  if (file.stats.size > maxBytes) throw new HubError('FILE_TOO_LARGE', { path: text, maxBytes });
  await using handle = await open(file.at(), constants.O_RDONLY | constants.O_NONBLOCK);
  const bytes = Buffer.allocUnsafeSlow(Number(file.stats.size));
  let length = 0;
  while (length < bytes.length) {
    signal.throwIfAborted();
    const size = Math.min(CHUNK_BYTES, bytes.length - length);
    const { bytesRead } = await handle.read(bytes, length, size, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return bytes.subarray(0, length);
}

/** Writes all of it, so that it survives power loss. */
export async function writeAll(
  handle: FileHandle,
  bytes: Uint8Array,
  signal: AbortSignal,
): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    signal.throwIfAborted();
    const { bytesWritten } = await handle.write(
      bytes,
      at,
      Math.min(CHUNK_BYTES, bytes.length - at),
      at,
    );
    at += bytesWritten;
  }
}
