import { mkdir } from 'node:fs/promises';
import type { Caller, ServiceUse } from '@runtime-hub/kernel';
import {
  HubError,
  type BlobHandle,
  type Json,
  type WriteOperations,
} from '@runtime-hub/plugin-sdk/contract';
import type { Static } from 'typebox';
import { MAX_FILE_BYTES, readAll, requireFile } from './contents.ts';
import {
  createFresh,
  moveTo,
  ownerOf,
  putInStead,
  putNew,
  stateOf,
  syncFolder,
  takeAway,
} from './entry.ts';
import { refused } from './file-errors.ts';
import { parsePath } from './file-path.ts';
import type { Change, Maker, State, UndoStore } from './undo-store.ts';
import { look, lookPlain, type Pinned, type Place, type Walk } from './walk.ts';

type Args<O extends keyof typeof WriteOperations> = Static<(typeof WriteOperations)[O]['args']>;

export interface Writing {
  readonly walk: Walk;
  readonly undo: UndoStore;
  readonly readBlob: (handle: BlobHandle, caller: Caller) => Promise<Uint8Array>;
}

/** One change on its way. */
interface Making {
  readonly undo: UndoStore;
  readonly maker: Maker;
  readonly signal: AbortSignal;
}

/** The operation `write`. */
export async function writeFile(
  { walk, undo, readBlob }: Writing,
  { path, content, mode }: Args<'write'>,
  { caller, signal }: ServiceUse,
): Promise<Json> {
  const making = { undo, signal, maker: makerOf(caller, path) };
  const given =
    typeof content === 'string' ? Buffer.from(content) : await readBlob(content, caller);
  await using place = await walk.parent(parsePath(path));
  await using old = await lookPlain(place);
  if (old === null) return await writeNew(place, given, making);
  if (mode === 'create') throw new HubError('FILE_EXISTS', { path });
  requireFile(old, path);
  const isPrefix = mode === 'append';
  if (isPrefix && Number(old.stats.size) + given.length > MAX_FILE_BYTES)
    throw new HubError('FILE_TOO_LARGE', { path, maxBytes: MAX_FILE_BYTES });
  const before = await readAll(old, { text: path, maxBytes: MAX_FILE_BYTES, signal });
  const bytes = isPrefix ? Buffer.concat([before, given]) : given;
  await using fresh = await createFresh(
    place,
    bytes,
    { as: 'replaced', owner: ownerOf(old) },
    signal,
  );
  const id = await kept(making, isPrefix ? null : before, {
    kind: 'changed',
    path,
    before: await stateOf(old, path, signal, before),
    after: await freshState(fresh, bytes, making),
    content: isPrefix ? 'prefix' : 'copy',
  });
  await made(making, id, () => putInStead(fresh, old));
  await syncFolder(place.folder);
  return { undo: id, sizeBytes: bytes.length };
}

async function writeNew(place: Place, bytes: Uint8Array, making: Making): Promise<Json> {
  const path = place.text;
  await using fresh = await createFresh(place, bytes, { as: 'new' }, making.signal);
  const after = await freshState(fresh, bytes, making);
  const change = { kind: 'changed', path, before: null, after, content: 'none' } as const;
  const id = await kept(making, null, change);
  await made(making, id, async () => await putNew(fresh));
  await syncFolder(place.folder);
  return { undo: id, sizeBytes: bytes.length };
}

/** The operation `move`. What is moved becomes readable where it goes, so that reading it must be granted too. */
export async function moveFile(
  { walk, undo }: Writing,
  { path, to }: Args<'move'>,
  use: ServiceUse,
): Promise<Json> {
  const { caller, signal } = use;
  const making = { undo, signal, maker: makerOf(caller, path) };
  await using from = await walk.parent(parsePath(path));
  await using old = await there(from);
  const below = old.stats.isDirectory() ? '/**' : '';
  if (below === '') requireFile(old, path);
  else walk.requireMovable(parsePath(path), old);
  use.permit({ capability: 'fs.read', target: `${path}${below}` });
  if (below !== '')
    for (const it of [path, to]) use.permit({ capability: 'fs.write', target: `${it}${below}` });
  await using target = await walk.parent(parsePath(to, 'to'));
  await requireNothing(target);
  const state = await stateOf(old, path, signal);
  const id = await kept(making, null, { kind: 'moved', path, to, state });
  await made(making, id, async () => await moveTo(from, target, old));
  await syncFolder(target.folder);
  await syncFolder(from.folder);
  return { undo: id };
}

/** The operation `remove`. */
export async function removeFile(
  { walk, undo }: Writing,
  { path }: Args<'remove'>,
  { caller, signal }: ServiceUse,
): Promise<Json> {
  const making = { undo, signal, maker: makerOf(caller, path) };
  await using place = await walk.parent(parsePath(path));
  await using old = await there(place);
  const isFolder = old.stats.isDirectory();
  if (isFolder) walk.requireMovable(parsePath(path), old);
  requireOwn(old, path);
  const content = isFolder
    ? null
    : await readAll(old, { text: path, maxBytes: MAX_FILE_BYTES, signal });
  const before = await stateOf(old, path, signal, content);
  const id = await kept(making, content, {
    kind: 'changed',
    path,
    before,
    after: null,
    content: isFolder ? 'none' : 'copy',
  });
  await made(making, id, async () => await takeAway(place, old));
  await syncFolder(place.folder);
  return { undo: id };
}

/** The operation `make-folder`. */
export async function makeFolder(
  { walk, undo }: Writing,
  { path }: Args<'make-folder'>,
  { caller, signal }: ServiceUse,
): Promise<Json> {
  const making = { undo, signal, maker: makerOf(caller, path) };
  await using place = await walk.parent(parsePath(path));
  await requireNothing(place);
  // Folders are compared by being folders only.
  const after: State = { kind: 'folder', owner: { mode: 0, uid: 0, gid: 0 } };
  const change = { kind: 'changed', path, before: null, after, content: 'none' } as const;
  const id = await kept(making, null, change);
  await made(making, id, async () => {
    await mkdir(place.folder.at(place.name));
  });
  await syncFolder(place.folder);
  return { undo: id };
}

/** Throws FILE_REFUSED outside of a run: nothing would end what is kept to undo it. */
export function makerOf({ run, plugin }: Caller, path: string): Maker {
  if (run === null) throw refused(path, 'only a step of a run may change files');
  return { run, plugin };
}

/** Throws FILE_REFUSED for another user's, which this user could not bring back as it was. */
function requireOwn({ stats }: Pinned, path: string): void {
  const user = process.geteuid?.() ?? 0;
  if (user === 0 || stats.uid === BigInt(user)) return;
  throw refused(path, 'it belongs to another user, so that it could not be brought back');
}

async function there(place: Place): Promise<Pinned> {
  const found = await lookPlain(place);
  if (found === null) throw new HubError('FILE_NOT_FOUND', { path: place.text });
  return found;
}

async function requireNothing(place: Place): Promise<void> {
  await using found = await look(place);
  if (found !== null) throw new HubError('FILE_EXISTS', { path: place.text });
}

async function freshState(
  { name, place }: { readonly name: string; readonly place: Place },
  bytes: Uint8Array,
  { signal }: Making,
): Promise<State> {
  await using pinned = await look({ ...place, name });
  return await stateOf(pinned, place.text, signal, bytes);
}

async function kept(
  { undo, maker, signal }: Making,
  before: Uint8Array | null,
  change: Change,
): Promise<string> {
  const id = await undo.keep(maker, change, before);
  if (!signal.aborted) return id;
  await undo.forget(maker, id);
  throw signal.reason;
}

/** Makes the change; what was kept to undo it is forgotten when it fails. */
async function made(
  { undo, maker }: Making,
  id: string,
  change: () => Promise<void> | void,
): Promise<void> {
  try {
    await change();
  } catch (error) {
    await undo.forget(maker, id);
    throw error;
  }
}
