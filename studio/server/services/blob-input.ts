import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { basename, join } from 'node:path';
import { HubError, type Json } from '@runtime-hub/plugin-sdk/contract';

const PLAIN_NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$/u;
/** FIFOs and devices must not hold the hub up, nor links lead it out of the folder. */
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** What a host asks to be kept. */
export interface BlobInput {
  readonly file: string;
  readonly mime: string;
}

/** Throws HUB_REQUEST_INVALID unless `file` is a plain name and `mime` a short text. */
export function parseBlobInput(args: Json): BlobInput {
  // SAFETY: both fields are checked before they are believed.
  const { file, mime } = (args ?? {}) as { readonly file?: Json; readonly mime?: Json };
  if (typeof file !== 'string' || !PLAIN_NAME.test(file)) {
    throw new HubError('HUB_REQUEST_INVALID', {
      field: 'file',
      value: JSON.stringify(file ?? null).slice(0, 64),
      cure: 'Give the plain name of a file in the folder for new blobs.',
    });
  }
  if (typeof mime !== 'string' || mime.length > 100) {
    const value = JSON.stringify(mime ?? null).slice(0, 64);
    throw new HubError('HUB_REQUEST_INVALID', { field: 'mime', value, cure: 'Give a media type.' });
  }
  return { file, mime };
}

/** Up to here a file in memory is read and written faster than a thread is woken. */
export const SMALL_BYTES = 262_144;

/** What a host wrote, open for reading. */
export interface OpenInput extends Disposable {
  readonly fd: number;
  /** When it was opened; more is never read. */
  readonly sizeBytes: number;
}

/** Opens a file a host wrote: what the host does to its name later changes nothing. Throws BLOB_NOT_FOUND or BLOB_TOO_LARGE. */
export function openBlobInput(folder: string, file: string, maxBytes: number): OpenInput {
  const fd = openInput(join(folder, file));
  try {
    const status = fstatSync(fd);
    if (!status.isFile()) throw new HubError('BLOB_NOT_FOUND', { blob: file });
    if (status.size > maxBytes) {
      throw new HubError('BLOB_TOO_LARGE', { sizeBytes: status.size, maxBytes });
    }
    return { fd, sizeBytes: status.size, [Symbol.dispose]: () => closeSync(fd) };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** All that is open, once; for what is small. */
export function readInput({ fd, sizeBytes }: OpenInput): Buffer {
  const bytes = Buffer.allocUnsafe(sizeBytes);
  let length = 0;
  while (length < sizeBytes) {
    const count = readSync(fd, bytes, length, sizeBytes - length, length);
    if (count === 0) break;
    length += count;
  }
  return bytes.subarray(0, length);
}

function openInput(path: string): number {
  try {
    return openSync(path, FLAGS);
  } catch (cause) {
    throw new HubError('BLOB_NOT_FOUND', { blob: basename(path) }, { cause });
  }
}
