import { parentPort, workerData } from 'node:worker_threads';
import Database from 'better-sqlite3';
import { Applier } from './apply.ts';
import { unpack, type Batch } from './batch.ts';
import { makeDurable } from './durable.ts';
import type { WriterMessage } from './requests.ts';

/**
 * The thread that alone writes the journal database: each message is one transaction, answered after its sync.
 * It loads little, since the hub's start waits for it.
 */
function main(): void {
  // SAFETY: `openWriter` starts this file with the database's path.
  const db = new Database((workerData as { readonly file: string }).file);
  makeDurable(db);
  const applier = new Applier(db);
  const commit = db.transaction((batch: Batch) =>
    Array.from(unpack(batch), (request) => applier.apply(request)),
  );
  parentPort?.on('message', (message: Batch | 'close') => {
    if (message === 'close') {
      db.close();
      parentPort?.close();
      return;
    }
    try {
      say({ kind: 'committed', answers: commit(message) });
    } catch (error) {
      // What is in memory and on disk may differ now: nothing more is written by this thread.
      say({ kind: 'broken', message: error instanceof Error ? error.message : String(error) });
      parentPort?.close();
    }
  });
  say({ kind: 'ready' });
}

const say = (message: WriterMessage): void => parentPort?.postMessage(message);

main();
