import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { makeBlobFolder } from '../../../studio/server/services/blob-folder.ts';

/** A process id that no process has: beyond the highest that Linux gives (PID_MAX_LIMIT). */
const NOBODY = 4_194_305;

test('a folder that looks left behind and can’t be removed keeps no hub from starting', () => {
  const own = makeBlobFolder();
  const planted = `${own.slice(0, own.lastIndexOf(`-${String(process.pid)}-`))}-${String(NOBODY)}-planted`;
  mkdirSync(`${planted}/inner`, { recursive: true });
  writeFileSync(`${planted}/inner/file`, 'x');
  chmodSync(`${planted}/inner`, 0);
  try {
    const next = makeBlobFolder();
    expect(next).not.toBe(own);
    rmSync(next, { recursive: true });
  } finally {
    // Root removes what nobody else could.
    rmSync(own, { recursive: true });
    try {
      chmodSync(`${planted}/inner`, 0o700);
    } catch {
      // It is gone.
    }
    rmSync(planted, { recursive: true, force: true });
  }
});
