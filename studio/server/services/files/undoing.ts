import { chmod, mkdir } from 'node:fs/promises';
import type { ServiceUse } from '@runtime-hub/kernel';
import {
  unfit,
  type HubError,
  type Json,
  type WriteOperations,
} from '@runtime-hub/plugin-sdk/contract';
import type { Static } from 'typebox';
import { readAll } from './contents.ts';
import {
  Meanwhile,
  changedSince,
  createFresh,
  isSame,
  moveTo,
  putInStead,
  putNew,
  stateOf,
  syncFolder,
  takeAway,
} from './entry.ts';
import { systemCode } from './file-errors.ts';
import { parsePath } from './file-path.ts';
import type { Change, State } from './undo-store.ts';
import { look, type Pinned, type Walk } from './walk.ts';
import { makerOf, type Writing } from './writing.ts';

type Changed = Extract<Change, { readonly kind: 'changed' }>;
type Moved = Extract<Change, { readonly kind: 'moved' }>;

/** The operation `undo`: brings back what was there before one change, once. Rejects with FILE_CHANGED when it would undo somebody else's change too. */
export async function undoChange(
  { walk, undo }: Writing,
  { path, undo: id }: Static<typeof WriteOperations.undo.args>,
  use: ServiceUse,
): Promise<Json> {
  const { caller, signal } = use;
  const maker = makerOf(caller, path);
  const change = await undo.find(maker, id);
  if (change === null || change.path !== path) throw unknown();
  try {
    if (change.kind === 'changed')
      await restore(change, walk, signal, async () => await undo.copy(maker, id));
    else await moveBack(change, walk, use);
  } catch (error) {
    throw isConflict(error) ? changedSince(path) : error;
  }
  await undo.forget(maker, id);
  return {};
}

async function restore(
  change: Changed,
  walk: Walk,
  signal: AbortSignal,
  copy: () => Promise<Buffer>,
): Promise<void> {
  const { path, before } = change;
  await using place = await walk.parent(parsePath(path));
  await using now = await look(place);
  await requireSame(change.after, now, path, signal);
  if (before === null) {
    if (now !== null) await takeAway(place, now);
  } else if (before.kind === 'folder') {
    await mkdir(place.folder.at(place.name), { mode: 0o700 });
    await using made = await look(place);
    if (made?.stats.isDirectory() !== true) throw new Meanwhile();
    await chmod(made.at(), before.owner.mode);
  } else {
    const bytes =
      change.content === 'copy'
        ? await copy()
        : await beginning(now, before.sizeBytes, path, signal);
    await using fresh = await createFresh(place, bytes, { as: 'restored', state: before }, signal);
    if (now === null) await putNew(fresh);
    else putInStead(fresh, now);
  }
  await syncFolder(place.folder);
}

async function beginning(
  now: Pinned | null,
  sizeBytes: number,
  text: string,
  signal: AbortSignal,
): Promise<Buffer> {
  if (now === null) throw new Meanwhile();
  const bytes = await readAll(now, { text, maxBytes: Number(now.stats.size), signal });
  return bytes.subarray(0, sizeBytes);
}

async function moveBack({ path, to, state }: Moved, walk: Walk, use: ServiceUse): Promise<void> {
  const { signal } = use;
  const below = state?.kind === 'folder' ? '/**' : '';
  use.permit({ capability: 'fs.write', target: `${to}${below}` });
  if (below !== '') use.permit({ capability: 'fs.write', target: `${path}${below}` });
  await using from = await walk.parent(parsePath(to));
  await using now = await look(from);
  await requireSame(state, now, path, signal);
  if (now === null) throw new Meanwhile();
  await using target = await walk.parent(parsePath(path));
  await moveTo(from, target, now);
  await syncFolder(target.folder);
  await syncFolder(from.folder);
}

async function requireSame(
  left: State,
  now: Pinned | null,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  const isKnown = now === null || now.stats.isFile() || now.stats.isDirectory();
  // What is larger now is another; it need not be read.
  const isLarger = left?.kind === 'file' && Number(now?.stats.size) !== left.sizeBytes;
  if (!isKnown || isLarger || !isSame(left, await stateOf(now, path, signal)))
    throw changedSince(path);
}

const isConflict = (error: unknown): boolean =>
  error instanceof Meanwhile || ['EEXIST', 'ENOTEMPTY'].includes(systemCode(error) ?? '');

function unknown(): HubError {
  const cure = 'Give the path and the id that this run got when it made the change.';
  return unfit('/undo', 'names nothing that can be undone here', cure);
}
