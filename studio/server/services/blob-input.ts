import { hash, webcrypto } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, read, readSync } from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
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

const { subtle } = webcrypto;

/** Up to here a file in memory is read and written faster than a thread of the pool is woken. */
export const SMALL_BYTES = 262_144;

/** Reads a file a host wrote, once, whole: what the host does to it later changes nothing. Rejects with BLOB_NOT_FOUND or BLOB_TOO_LARGE. */
export async function readBlobInput(
  folder: string,
  file: string,
  maxBytes: number,
): Promise<Buffer> {
  const fd = openInput(join(folder, file));
  try {
    const status = fstatSync(fd);
    if (!status.isFile()) throw new HubError('BLOB_NOT_FOUND', { blob: file });
    if (status.size > maxBytes) {
      throw new HubError('BLOB_TOO_LARGE', { sizeBytes: status.size, maxBytes });
    }
    const bytes = Buffer.allocUnsafe(status.size);
    const isSmall = status.size <= SMALL_BYTES;
    let length = 0;
    while (length < bytes.length) {
      const rest = [bytes, length, bytes.length - length, length] as const;
      const count = isSmall ? readSync(fd, ...rest) : (await readLater(fd, ...rest)).bytesRead;
      if (count === 0) break;
      length += count;
    }
    return bytes.subarray(0, length);
  } finally {
    closeSync(fd);
  }
}

const readLater = promisify(read);

/** Hex of the SHA-256; of what is large in a thread of its own. */
export async function sha256Of(bytes: Buffer): Promise<string> {
  if (bytes.length <= SMALL_BYTES) return hash('sha256', bytes, 'hex');
  // SAFETY: no buffer of the hub's is shared between threads.
  const own = bytes as Buffer<ArrayBuffer>;
  return Buffer.from(await subtle.digest('SHA-256', own)).toString('hex');
}

function openInput(path: string): number {
  try {
    return openSync(path, FLAGS);
  } catch (cause) {
    throw new HubError('BLOB_NOT_FOUND', { blob: basename(path) }, { cause });
  }
}
