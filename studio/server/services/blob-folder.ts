import {
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  existsSync,
  statfsSync,
  unlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { codeOf } from '@runtime-hub/plugin-sdk/contract';

const MEMORY = '/dev/shm';
const LEAST_FREE_BYTES = 268_435_456;

/**
 * Makes a fresh folder for blobs in memory (tmpfs) when there is room, else in the temporary folder, and
 * removes folders that hubs left which were killed.
 */
export function makeBlobFolder(): string {
  const base = hasRoom(MEMORY) ? MEMORY : tmpdir();
  // Process ids mean something only within their namespace, and containers may share /dev/shm.
  const prefix = `runtime-hub-${namespace()}-`;
  for (const name of readdirSync(base)) {
    const owner = name.startsWith(prefix) ? /^\d+/u.exec(name.slice(prefix.length)) : null;
    if (owner === null || existsSync(`/proc/${owner[0]}`)) continue;
    sweep(join(base, name));
  }
  return mkdtempSync(join(base, `${prefix}${String(process.pid)}-`));
}

/** What may not be removed stays: another user's hub left it, or somebody who would have this one not start. */
function sweep(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch (error) {
    if (!['EACCES', 'EPERM'].includes(codeOf(error) ?? '')) throw error;
  }
}

function hasRoom(folder: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize >= LEAST_FREE_BYTES;
  } catch {
    return false;
  }
}

function namespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid').replaceAll(/\D/gu, '');
  } catch {
    // Without /proc no process can be looked up: a name of its own is never swept.
    return `x${String(process.pid)}`;
  }
}

/** Removes a file if it is there; many times faster than rmSync. */
export function drop(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Its host may have removed it itself.
  }
}
