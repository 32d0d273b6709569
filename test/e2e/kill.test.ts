import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as after } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { openStore } from '../../studio/server/store/store.ts';
import { temporaryFolder } from '../support/hub.ts';
import { finishedOf } from './finished.ts';

const WORKER = fileURLToPath(new URL('./kill-worker.ts', import.meta.url));
const KILLS = 30;

test(
  'a hub killed at 30 random moments runs no finished step again and loses nothing',
  { timeout: 240_000 },
  async () => {
    using folder = temporaryFolder('kill');
    await work(folder.path, null);
    for (let kill = 0; kill < KILLS; kill++) await work(folder.path, Math.random() * 400);
    await work(folder.path, null);
    const store = await openStore(folder.path);
    const runs = store.runs.list({ limit: 100 });
    expect(runs.length).toBeGreaterThan(1);
    for (const { id, status } of runs) {
      expect(status).toBe('succeeded');
      expect(finishedOf(store, id)).toEqual(
        Array.from({ length: 20 }, (_, index) => [`n${String(index)}`, 1]),
      );
    }
    await store.close();
  },
);

/** Lets a hub work on the folder, to the end of a run or until it is killed `killMs` after it has begun. */
async function work(folder: string, killMs: number | null): Promise<void> {
  const child = spawn(process.execPath, [WORKER, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  await once(createInterface({ input: child.stdout }), 'line');
  if (killMs !== null) {
    // The moment of the kill is the input of this test, not a wait for anything.
    await Promise.race([after(killMs), exited]);
    child.kill('SIGKILL');
  }
  await exited;
}
