import {
  closeSync,
  existsSync,
  fsyncSync,
  lstatSync,
  openSync,
  readFileSync,
  readdirSync,
} from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import {
  checkFiles,
  sha256Of,
  type VerifiedRelease,
  type Release,
} from '@runtime-hub/plugin-sdk/artifact';
import { HubError, type PluginId } from '@runtime-hub/plugin-sdk/contract';

const ARTIFACT = 'artifact.tgz';
const BUNDLE = 'bundle.json';
const FILES = 'files';

/** What was installed in a plugin's folder; throws ARTIFACT_NOT_FOUND. */
export async function readRelease(folder: string): Promise<Release> {
  const [artifact, bundle] = [join(folder, ARTIFACT), join(folder, BUNDLE)];
  if (!existsSync(artifact) || !existsSync(bundle))
    throw new HubError('ARTIFACT_NOT_FOUND', { source: folder });
  return { artifact: await readFile(artifact), bundle: await readFile(bundle, 'utf8') };
}

/** Writes a verified plugin beside its place, makes it durable, then puts it there by renaming. Returns its folder. */
export async function writePlugin(
  home: string,
  release: Release,
  { manifest, files }: VerifiedRelease,
): Promise<string> {
  const staging = await openStaging(home);
  const fresh = join(staging, 'new');
  const place = join(home, manifest.id);
  try {
    await writeDurably(join(fresh, ARTIFACT), release.artifact);
    await writeDurably(join(fresh, BUNDLE), Buffer.from(release.bundle));
    for (const [path, bytes] of files) await writeDurably(join(fresh, FILES, path), bytes);
    await mkdir(dirname(place), { recursive: true });
    await clear(staging, place);
    await rename(fresh, place);
    syncFolder(dirname(place));
    return place;
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/** A folder of its own for each change, since several may go on at once; what a killed hub left goes at the next start. */
async function openStaging(home: string): Promise<string> {
  const staging = join(home, '.staging');
  await mkdir(staging, { recursive: true, mode: 0o700 });
  return await mkdtemp(join(staging, 'change-'));
}

/** Removes what changes that were cut short have left. */
export async function clearStaging(home: string): Promise<void> {
  await rm(join(home, '.staging'), { recursive: true, force: true });
}

export async function removePlugin(home: string, id: PluginId): Promise<void> {
  const staging = await openStaging(home);
  await clear(staging, join(home, id));
  await rm(staging, { recursive: true, force: true });
}

/** Throws ARTIFACT_FILE_MISMATCH unless the unpacked files are exactly the artifact's, and plain files all. */
export function checkUnpacked(folder: string, { manifest, files }: VerifiedRelease): void {
  const root = join(folder, FILES);
  const signed = Object.fromEntries([...files].map(([path, bytes]) => [path, sha256Of(bytes)]));
  const found = new Map<string, Uint8Array>();
  const entries = existsSync(root)
    ? readdirSync(root, { recursive: true, withFileTypes: true })
    : [];
  for (const entry of entries) {
    const file = join(entry.parentPath, entry.name);
    const path = relative(root, file);
    if (entry.isDirectory()) continue;
    if (!lstatSync(file).isFile())
      throw new HubError('ARTIFACT_FILE_MISMATCH', { plugin: manifest.id, file: path });
    found.set(path, readFileSync(file));
  }
  checkFiles(signed, found, manifest.id);
}

/** A folder can't replace another in one step, so the old one is first moved out of the way. */
async function clear(staging: string, place: string): Promise<void> {
  if (existsSync(place)) await rename(place, await mkdtemp(join(staging, 'old-')));
}

async function writeDurably(file: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, bytes, { flush: true, flag: 'wx' });
}

function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  fsyncSync(handle);
  closeSync(handle);
}
