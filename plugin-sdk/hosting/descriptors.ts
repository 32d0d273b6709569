import { readFile, readdir } from 'node:fs/promises';

const CLOSES_ON_EXEC = 0o2_000_000;

/** Descriptors above `most` that this process would pass on to any child, left open by whoever started it. */
export async function leakedDescriptors(most: number): Promise<readonly number[]> {
  const names = await readdir('/proc/self/fdinfo').catch(() => []);
  const found = await Promise.all(
    names.map(Number).map(async (fd) => ({ fd, leaks: fd > most && (await isPassedOn(fd)) })),
  );
  return found.filter(({ leaks }) => leaks).map(({ fd }) => fd);
}

async function isPassedOn(fd: number): Promise<boolean> {
  const text = await readFile(`/proc/self/fdinfo/${String(fd)}`, 'utf8').catch(() => '');
  const flags = /^flags:\s+(\d+)$/mu.exec(text)?.[1];
  return flags !== undefined && (Number.parseInt(flags, 8) & CLOSES_ON_EXEC) === 0;
}
