import type { Caller, Service, ServiceUse } from '@runtime-hub/kernel';
import { HubError, type BlobHandle, type Json } from '@runtime-hub/plugin-sdk/contract';
import { Changes } from './changes.ts';
import { Meanwhile } from './entry.ts';
import { fileError, refused } from './file-errors.ts';
import { KeyedQueue, Slots } from '../queues.ts';
import { listFolder, readFile, statFile } from './reading.ts';
import type { UndoStore } from './undo-store.ts';
import { undoChange } from './undoing.ts';
import { Walk } from './walk.ts';
import { makeFolder, moveFile, removeFile, writeFile } from './writing.ts';

export interface FileServicesPorts {
  /** What `~` stands for. */
  readonly home: string;
  /** Folders that no plugin reaches under any name: the hub's data and blobs. */
  readonly forbidden: readonly string[];
  readonly undo: UndoStore;
  readonly keepBlob: (bytes: Buffer, mime: string, caller: Caller) => Promise<BlobHandle>;
  /** Rejects unless the caller may read it. */
  readonly readBlob: (handle: BlobHandle, caller: Caller) => Promise<Uint8Array>;
}

type Operation = (args: Json, use: ServiceUse) => Promise<Json>;

/** Each may hold a file of up to 64 MiB in memory, and keeps one of Node's four threads for files busy. */
const AT_ONCE_PER_PLUGIN = 2;
const TRIES = 3;

/**
 * The capabilities `fs.read` and `fs.write`. The broker has checked arguments and grant by the path's text; here the
 * text is made the truth: every file has one name, and no part of it is a symbolic link.
 */
export function createFileServices(ports: FileServicesPorts): readonly Service[] {
  const walk = new Walk(ports);
  const changes = new Changes(walk);
  const slots = new Slots(AT_ONCE_PER_PLUGIN);
  const queue = new KeyedQueue();
  const bounded =
    (operation: Operation): Operation =>
    async (args, use) =>
      await slots.run(use.caller.plugin, use.signal, async () => await operation(args, use));
  const changing = (operation: Operation): Operation =>
    bounded(
      async (args, use) =>
        await queue.run(pathsIn(args), async () => await tried(operation, args, use)),
    );
  // SAFETY (all casts below): the broker checked the arguments against the contract.
  const reading = new Map<string, Operation>([
    ['read', bounded(async (args, use) => await readFile({ ...ports, walk }, args as never, use))],
    ['list', bounded(async (args, use) => await listFolder(walk, args as never, use))],
    ['stat', bounded(async (args) => await statFile(walk, args as never))],
    ['wait-for-change', async (args, use) => await changes.wait(args as never, use)],
  ]);
  const writing = new Map<string, Operation>(
    Object.entries({
      write: writeFile,
      move: moveFile,
      remove: removeFile,
      'make-folder': makeFolder,
      undo: undoChange,
    }).map(([name, perform]) => [
      name,
      changing(async (args, use) => await perform({ ...ports, walk }, args as never, use)),
    ]),
  );
  return [serviceOf('fs.read', reading), serviceOf('fs.write', writing)];
}

function serviceOf(
  capability: 'fs.read' | 'fs.write',
  operations: ReadonlyMap<string, Operation>,
): Service {
  return {
    capability,
    async call(operation, args, use) {
      const perform = operations.get(operation);
      if (perform === undefined) {
        const { plugin } = use.caller;
        throw new HubError('CAPABILITY_DENIED', { plugin, need: `${capability}.${operation}` });
      }
      try {
        use.signal.throwIfAborted();
        return await perform(args, use);
      } catch (error) {
        throw fileError(pathsIn(args)[0] ?? '', error);
      }
    },
  };
}

/** Once more when somebody changed meanwhile what it was about to change. */
async function tried(operation: Operation, args: Json, use: ServiceUse): Promise<Json> {
  for (let left = TRIES; left > 0; left -= 1) {
    use.signal.throwIfAborted();
    try {
      return await operation(args, use);
    } catch (error) {
      if (!(error instanceof Meanwhile)) throw error;
    }
  }
  throw refused(pathsIn(args)[0] ?? '', 'something else keeps changing it');
}

function pathsIn(args: Json): readonly string[] {
  // SAFETY: both fields are checked before they are believed.
  const { path, to } = (args ?? {}) as { readonly path?: Json; readonly to?: Json };
  return [path, to].filter((it): it is string => typeof it === 'string');
}
