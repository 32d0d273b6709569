import { existsSync, lstatSync, readFileSync, readdirSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import {
  checkFiles,
  digestOf,
  sha256Of,
  type VerifiedRelease,
  type Release,
} from '@runtime-hub/plugin-sdk/artifact';
import { HubError } from '@runtime-hub/plugin-sdk/contract';
import { syncFolder } from './durable-file.ts';

const ARTIFACT = 'artifact.tgz';
const BUNDLE = 'bundle.json';
const FILES = 'files';
const VERSIONS = '.versions';
const STAGING = '.staging';
const READ_ONLY = 0o444;

/** Where the files of a version lie: by the digest of its artifact, so that versions never share a place. */
export const versionFolder = (home: string, digest: string): string =>
  join(home, VERSIONS, digest.slice('sha512-'.length));

/** What a plugin's host is shown of a version's folder. */
export const filesOf = (folder: string): string => join(folder, FILES);

/** What was stored in a version's folder; throws ARTIFACT_NOT_FOUND. */
export async function readRelease(folder: string): Promise<Release> {
  const [artifact, bundle] = [join(folder, ARTIFACT), join(folder, BUNDLE)];
  if (!existsSync(artifact) || !existsSync(bundle))
    throw new HubError('ARTIFACT_NOT_FOUND', { source: folder });
  return { artifact: await readFile(artifact), bundle: await readFile(bundle, 'utf8') };
}

/** Writes a verified version beside its place, makes it durable, then puts it there by renaming; the same bytes replace a damaged copy. */
export async function writeVersion(
  home: string,
  release: Release,
  { digest, files }: Pick<VerifiedRelease, 'digest' | 'files'>,
): Promise<string> {
  const staging = await openStaging(home);
  const fresh = join(staging, 'new');
  const place = versionFolder(home, digest);
  try {
    await writeNew(join(fresh, ARTIFACT), release.artifact);
    await writeNew(join(fresh, BUNDLE), Buffer.from(release.bundle));
    for (const [path, bytes] of files) await writeNew(join(fresh, FILES, path), bytes);
    await mkdir(dirname(place), { recursive: true });
    await clear(staging, place);
    await rename(fresh, place);
    syncFolder(dirname(place));
    return place;
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

export async function removeVersion(home: string, digest: string): Promise<void> {
  const staging = await openStaging(home);
  await clear(staging, versionFolder(home, digest));
  await rm(staging, { recursive: true, force: true });
}

/** Removes what changes that were cut short have left: half-written versions, and those that no record names. */
export async function clearLeftovers(home: string, known: ReadonlySet<string>): Promise<void> {
  await rm(join(home, STAGING), { recursive: true, force: true });
  for (const digest of storedDigests(home))
    if (!known.has(digest)) await removeVersion(home, digest);
}

/** Moves plugins from where hubs before 1.1 kept them, `<namespace>/<name>`, to the places of their digests. */
export async function moveOldPlugins(home: string): Promise<void> {
  for (const namespace of foldersIn(home).filter((it) => !it.startsWith('.'))) {
    for (const name of foldersIn(join(home, namespace))) {
      const old = join(home, namespace, name);
      const artifact = join(old, ARTIFACT);
      if (!existsSync(artifact)) continue;
      const place = versionFolder(home, digestOf(await readFile(artifact)));
      await mkdir(dirname(place), { recursive: true });
      await rm(place, { recursive: true, force: true });
      await rename(old, place);
    }
    await rm(join(home, namespace), { recursive: true, force: true });
  }
}

/** Digests by whose names something is stored. */
export const storedDigests = (home: string): readonly string[] =>
  foldersIn(join(home, VERSIONS)).map((name) => `sha512-${name}`);

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

/** A folder of its own for each change, since several may go on at once; what a killed hub left goes at the next start. */
async function openStaging(home: string): Promise<string> {
  const staging = join(home, STAGING);
  await mkdir(staging, { recursive: true, mode: 0o700 });
  return await mkdtemp(join(staging, 'change-'));
}

/** A folder can't replace another in one step, so the old one is first moved out of the way. */
async function clear(staging: string, place: string): Promise<void> {
  if (existsSync(place)) await rename(place, await mkdtemp(join(staging, 'old-')));
}

async function writeNew(file: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, bytes, { flush: true, flag: 'wx' });
  await chmod(file, READ_ONLY);
}

function foldersIn(path: string): readonly string[] {
  if (!existsSync(path)) return [];
  return readdirSync(path, { withFileTypes: true })
    .filter((it) => it.isDirectory())
    .map((it) => it.name);
}
