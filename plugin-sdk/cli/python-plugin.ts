import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { HubError, type Json } from '../contract/index.ts';
import { createLauncher, describePlugin } from '../hosting/index.ts';

type Files = ReadonlyMap<string, Uint8Array>;

/** True for a folder with plugin.py. Throws ARTIFACT_MALFORMED for one with plugin.ts besides. */
export function isPythonPlugin(folder: string): boolean {
  if (!existsSync(join(folder, 'plugin.py'))) return false;
  if (!existsSync(join(folder, 'plugin.ts'))) return true;
  const detail = 'there are plugin.ts and plugin.py';
  throw new HubError('ARTIFACT_MALFORMED', { rule: 'one entry', detail });
}

/** The Python files of a plugin's folder and of the folders in it but its tests. Throws ARTIFACT_MALFORMED for a symbolic link. */
export async function pythonSources(folder: string): Promise<Files> {
  const files = new Map<string, Uint8Array>();
  for (const path of await pathsIn(folder, '')) files.set(path, await readFile(join(folder, path)));
  return files;
}

/** The manifest that these files declare, evaluated in a jail on exactly these files. */
export async function derivePythonManifest(files: Files): Promise<Json> {
  const folder = await mkdtemp(join(tmpdir(), 'hub-pack-'));
  try {
    for (const [path, bytes] of files) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), bytes);
    }
    return await describePlugin(createLauncher({ minIsolation: 'strong' }), 'python', folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What an author's folder holds besides the plugin. */
const NOT_PACKED = ['dist', 'node_modules', 'test'];

async function pathsIn(folder: string, under: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const entry of await readdir(join(folder, under), { withFileTypes: true })) {
    const path = join(under, entry.name);
    if (entry.name.startsWith('.') || entry.name === '__pycache__') continue;
    if (NOT_PACKED.includes(path)) continue;
    if (entry.isDirectory()) found.push(...(await pathsIn(folder, path)));
    if (!entry.name.endsWith('.py')) continue;
    if (entry.isFile()) found.push(path);
    if (entry.isSymbolicLink())
      throw new HubError('ARTIFACT_MALFORMED', { rule: 'a source is a file', detail: path });
  }
  return found;
}
