import { createHash, randomBytes } from 'node:crypto';
import { closeSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { BlobCopier } from '../../../../studio/server/services/blob-copier.ts';
import { temporaryFolder } from '../../../support/hub.ts';

const BYTES = randomBytes(1_000_003);
const SHA256 = createHash('sha256').update(BYTES).digest('hex');

test('bytes and open files are copied whole, hashed, and not to be written again', async () => {
  using folder = temporaryFolder('copier');
  using copier = new BlobCopier();
  const from = join(folder.path, 'from');
  writeFileSync(from, BYTES);
  const fd = openSync(from, 'r');
  const [one, two] = ['one', 'two'].map((name) => join(folder.path, name)) as [string, string];
  const copied = await Promise.all([
    copier.copy({ fd, sizeBytes: BYTES.length }, one),
    copier.copy(BYTES, two),
  ]);
  closeSync(fd);
  expect(copied).toEqual(
    Array.from({ length: 2 }, () => ({ sha256: SHA256, sizeBytes: 1_000_003 })),
  );
  for (const file of [one, two]) {
    expect(readFileSync(file).equals(BYTES)).toBe(true);
    expect(statSync(file).mode & 0o777).toBe(0o400);
  }
});

test('a file that grows is copied as far as it went when it was opened; one that shrinks, as far as it goes', async () => {
  using folder = temporaryFolder('copier');
  using copier = new BlobCopier();
  const from = join(folder.path, 'from');
  writeFileSync(from, BYTES);
  const fd = openSync(from, 'r');
  const less = await copier.copy({ fd, sizeBytes: 10 }, join(folder.path, 'less'));
  const more = await copier.copy({ fd, sizeBytes: 2_000_000 }, join(folder.path, 'more'));
  closeSync(fd);
  expect([less.sizeBytes, more]).toEqual([10, { sha256: SHA256, sizeBytes: BYTES.length }]);
});

test('a copy that cannot be written is refused, and the next is made', async () => {
  using folder = temporaryFolder('copier');
  using copier = new BlobCopier();
  const taken = join(folder.path, 'taken');
  writeFileSync(taken, 'kept');
  await expect(copier.copy(BYTES, taken)).rejects.toThrow('EEXIST');
  expect(readFileSync(taken, 'utf8')).toBe('kept');
  const next = await copier.copy(BYTES, join(folder.path, 'next'));
  expect(next.sha256).toBe(SHA256);
});

test('who waits when the store closes is told', async () => {
  using folder = temporaryFolder('copier');
  const copier = new BlobCopier();
  const copy = copier.copy(BYTES, join(folder.path, 'late'));
  copier[Symbol.dispose]();
  await expect(copy).rejects.toThrow('closed');
});
