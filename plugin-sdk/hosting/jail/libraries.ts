import { execFile } from 'node:child_process';
import { access } from 'node:fs/promises';
import { promisify } from 'node:util';

/** The shared libraries `ldd` names for programs and libraries; the usual folders where there is no ldd. */
export async function librariesOf(files: readonly string[]): Promise<readonly string[]> {
  try {
    const { stdout } = await promisify(execFile)('ldd', [...files]);
    const named = [...stdout.matchAll(/(?:=> |^\s*)(\/\S+) \(/gmu)];
    return [...new Set(named.map((match) => match[1] ?? ''))];
  } catch {
    const folders = ['/lib', '/lib64', '/usr/lib'];
    const present = await Promise.all(folders.map(isThere));
    return folders.filter((_, index) => present[index] === true);
  }
}

export const isThere = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );
