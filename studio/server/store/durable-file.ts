import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** Replaces a file in one step, for its owner only: after power loss there is the old or the new one, whole. */
export function replaceFile(path: string, bytes: Uint8Array): void {
  const next = `${path}.${randomBytes(6).toString('hex')}.new`;
  try {
    const fd = openSync(next, 'wx', 0o600);
    try {
      for (let at = 0; at < bytes.length; at += writeSync(fd, bytes, at));
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(next, path);
  } catch (error) {
    drop(next);
    throw error;
  }
  syncFolder(dirname(path));
}

/** Makes what was renamed in a folder survive power loss; Windows has no such call. */
export function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function drop(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It was never made.
  }
}
