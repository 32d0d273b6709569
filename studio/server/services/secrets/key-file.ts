import { randomBytes } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { HubError, codeOf } from '@runtime-hub/plugin-sdk/contract';
import { replaceFile } from '../../store/durable-file.ts';

/** Bytes of an AES-256 key. */
const KEY_BYTES = 32;
const NAME = 'secrets.key';

/**
 * The key that secrets are kept under. Made at first use, unless there are secrets already, which a new key could not open.
 * Throws HUB_REQUEST_INVALID when anyone but its owner may read it, or it is no key.
 */
export function openKeyFile(folder: string, hasSecrets: boolean): Buffer {
  const path = join(folder, NAME);
  const known = readKey(path);
  if (known !== null) return known;
  if (hasSecrets) {
    throw refused(
      'missing',
      'Put the key back from a backup, or delete secrets.json and set anew.',
    );
  }
  const key = randomBytes(KEY_BYTES);
  replaceFile(path, key);
  return key;
}

function readKey(path: string): Buffer | null {
  const fd = openIfThere(path);
  if (fd === null) return null;
  try {
    const { mode, uid, size } = fstatSync(fd);
    const isOwn = process.getuid === undefined || uid === process.getuid();
    if (process.platform !== 'win32' && ((mode & 0o077) !== 0 || !isOwn)) {
      const seen = isOwn ? `mode ${(mode & 0o777).toString(8).padStart(4, '0')}` : 'another owner';
      throw refused(seen, `Others may have read it: set all secrets anew, or chmod 600 ${NAME}.`);
    }
    const key = Buffer.alloc(KEY_BYTES);
    if (size === KEY_BYTES && readSync(fd, key) === KEY_BYTES) return key;
    throw refused('no key', 'Put the key back from a backup.');
  } finally {
    closeSync(fd);
  }
}

function openIfThere(path: string): number | null {
  try {
    // A link could lead to a file that others write, and a FIFO would hold the hub up.
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw refused('not readable', 'Make it a plain file that the hub’s user owns.');
  }
}

const refused = (value: string, cure: string): HubError =>
  new HubError('HUB_REQUEST_INVALID', { field: NAME, value, cure });
