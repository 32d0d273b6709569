import { hash, randomBytes } from 'node:crypto';
import { constants, lstatSync, renameSync, type BigIntStats } from 'node:fs';
import { link, mkdir, open, rename, rmdir, unlink, type FileHandle } from 'node:fs/promises';
import { HubError } from '@runtime-hub/plugin-sdk/contract';
import { MAX_FILE_BYTES, readAll, writeAll } from './contents.ts';
import { systemCode } from './file-errors.ts';
import type { State } from './undo-store.ts';
import { identityOf, look, type Pinned, type Place } from './walk.ts';

type FileState = Extract<State, { readonly kind: 'file' }>;
type Owner = FileState['owner'];

/** A permission bit each for owner, group and others. */
const PERMISSIONS = 0o777;
/** utimes(2) as Node offers it takes seconds as a double and keeps whole microseconds. */
const TIME_STEP_NS = 2000n;

export const newName = (): string => `.hub-${randomBytes(12).toString('hex')}.tmp`;

/** Somebody else changed what is being changed, between looking and acting; nothing was done. */
export class Meanwhile extends Error {}

/** What is there, for comparing later; `bytes` when they were read already. Null for what is neither file nor folder. */
export async function stateOf(
  pinned: Pinned | null,
  text: string,
  signal: AbortSignal,
  bytes: Uint8Array | null = null,
): Promise<State> {
  if (pinned === null) return null;
  const { stats } = pinned;
  const owner = ownerOf(pinned);
  if (stats.isDirectory()) return { kind: 'folder', owner };
  const isLarge = stats.size > MAX_FILE_BYTES;
  const content =
    bytes ?? (isLarge ? null : await readAll(pinned, { text, maxBytes: MAX_FILE_BYTES, signal }));
  return {
    kind: 'file',
    owner,
    sizeBytes: Number(stats.size),
    modifiedNs: String(stats.mtimeNs),
    sha256: content === null ? null : hash('sha256', content, 'hex'),
  };
}

export const ownerOf = ({ stats }: Pinned): Owner => ({
  mode: Number(stats.mode & 0o7777n),
  uid: Number(stats.uid),
  gid: Number(stats.gid),
});

/** True when nobody changed what was left: the same bytes, permissions and time. Folders are the same while they are folders. */
export function isSame(left: State, found: State): boolean {
  if (left === null || found === null) return left === found;
  if (left.kind === 'folder' || found.kind === 'folder') return left.kind === found.kind;
  const apart = BigInt(left.modifiedNs) - BigInt(found.modifiedNs);
  return (
    left.sizeBytes === found.sizeBytes &&
    left.sha256 === found.sha256 &&
    left.owner.mode === found.owner.mode &&
    apart < TIME_STEP_NS &&
    apart > -TIME_STEP_NS
  );
}

/** A new file beside the one it may become; gone at the end unless it was put in place. */
export interface Fresh extends AsyncDisposable {
  readonly name: string;
  readonly place: Place;
}

/** How a new file is to look: as the one it replaces, exactly as one that comes back, or as new files do. */
export type Look =
  | { readonly as: 'new' }
  | { readonly as: 'replaced'; readonly owner: Owner }
  | { readonly as: 'restored'; readonly state: FileState };

/** Writes a new file in the folder of a place; it survives power loss before it is put in place. */
export async function createFresh(
  place: Place,
  bytes: Uint8Array,
  how: Look,
  signal: AbortSignal,
): Promise<Fresh> {
  const name = newName();
  const path = place.folder.at(name);
  const flags = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW;
  const handle = await open(path, flags, how.as === 'new' ? 0o666 : 0o600);
  try {
    await writeAll(handle, bytes, signal);
    await dress(handle, how);
    await handle.sync();
  } catch (error) {
    await handle.close();
    await removeFile(path);
    throw error;
  }
  await handle.close();
  return { name, place, [Symbol.asyncDispose]: async () => await removeFile(path) };
}

async function dress(handle: FileHandle, how: Look): Promise<void> {
  if (how.as === 'new') return;
  const owner = how.as === 'restored' ? how.state.owner : how.owner;
  await own(handle, owner);
  // New content must not run with its owner's rights; what comes back is what it was.
  await handle.chmod(how.as === 'restored' ? owner.mode : owner.mode & PERMISSIONS);
  if (how.as !== 'restored') return;
  // Half a microsecond more, since what is below one is cut off.
  const seconds = (Number(BigInt(how.state.modifiedNs) / 1000n) + 0.5) / 1e6;
  await handle.utimes(seconds, seconds);
}

/** Another user's file is not made this user's; a group that this user is not in is given up. */
async function own(handle: FileHandle, { uid, gid }: Owner): Promise<void> {
  const now = await handle.stat();
  if (now.uid !== uid) await handle.chown(uid, gid);
  else if (now.gid !== gid)
    await handle.chown(uid, gid).catch((error: unknown) => {
      if (systemCode(error) !== 'EPERM') throw error;
    });
}

/** Gives a new file its name where there is nothing. Throws EEXIST when there is something. */
export async function putNew({ name, place }: Fresh): Promise<void> {
  await link(place.folder.at(name), place.folder.at(place.name));
}

/** Puts a new file in the stead of `old`. Throws Meanwhile when something else is there now, or it was changed. */
export function putInStead({ name, place }: Fresh, old: Pinned): void {
  const path = place.folder.at(place.name);
  // Both in one go: nothing of the hub comes between, and others have microseconds.
  const now = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  if (now === undefined || !isUntouched(now, old.stats)) throw new Meanwhile();
  renameSync(place.folder.at(name), path);
}

/** Removes a pinned file or empty folder under its name, and nothing that somebody put there meanwhile. */
export async function takeAway(place: Place, pinned: Pinned): Promise<void> {
  const { folder, name } = place;
  if (pinned.stats.isDirectory()) {
    await rmdir(folder.at(name));
    return;
  }
  const aside = { ...place, name: newName() };
  await rename(folder.at(name), folder.at(aside.name));
  await using moved = await look(aside);
  if (moved !== null && isSameThing(moved, pinned)) {
    await unlink(folder.at(aside.name));
    return;
  }
  await rename(folder.at(aside.name), folder.at(name));
  throw new Meanwhile();
}

/** Moves a pinned file or folder to where there is nothing. Throws EEXIST, or Meanwhile. */
export async function moveTo(from: Place, to: Place, pinned: Pinned): Promise<void> {
  const [source, target] = [from.folder.at(from.name), to.folder.at(to.name)];
  if (pinned.stats.isDirectory()) {
    // rename(2) replaces an empty folder, so that one is put there first: nobody else's can be.
    await mkdir(target, { mode: 0o700 });
    await rename(source, target).catch(async (error: unknown) => {
      await rmdir(target);
      throw error;
    });
    return;
  }
  await link(source, target);
  await using linked = await look(to);
  try {
    if (linked === null || !isSameThing(linked, pinned)) throw new Meanwhile();
    await takeAway(from, pinned);
  } catch (error) {
    await removeFile(target);
    throw error;
  }
}

/** Makes the change of a folder survive power loss, where the folder can be read. */
export async function syncFolder(folder: Pinned): Promise<void> {
  try {
    await using handle = await open(folder.at(), constants.O_RDONLY | constants.O_DIRECTORY);
    await handle.sync();
  } catch (error) {
    // The change is made; some file systems cannot say more, and a folder need not be readable to be changed.
    if (!['EACCES', 'EINVAL', 'ENOTSUP'].includes(systemCode(error) ?? '')) throw error;
  }
}

const isSameThing = (one: Pinned, other: Pinned): boolean =>
  identityOf(one.stats) === identityOf(other.stats);

const isUntouched = (now: BigIntStats, before: BigIntStats): boolean =>
  identityOf(now) === identityOf(before) &&
  now.size === before.size &&
  now.mtimeNs === before.mtimeNs &&
  now.ctimeNs === before.ctimeNs;

async function removeFile(path: string): Promise<void> {
  await unlink(path).catch((error: unknown) => {
    if (systemCode(error) !== 'ENOENT') throw error;
  });
}

/** The error for what was changed since, or cannot be told apart from it. */
export const changedSince = (path: string): HubError => new HubError('FILE_CHANGED', { path });
