import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as after } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Json } from '@runtime-hub/plugin-sdk/contract';
import { expect, test } from 'vitest';
import { openStore, type Store } from '../../studio/server/store/store.ts';
import { temporaryFolder } from '../support/hub.ts';

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

/** How often each node was journaled as finished; also checks that no entry is missing. */
function finishedOf(store: Store, id: Parameters<Store['runs']['get']>[0]): [string, number][] {
  const entries = store.runs.get(id)?.entries ?? [];
  expect(entries.map((entry) => entry.seq)).toEqual(entries.map((_, index) => index + 1));
  const counts = new Map<string, number>();
  for (const { input } of entries) {
    for (const node of finishedIn(input)) counts.set(node, (counts.get(node) ?? 0) + 1);
  }
  return [...counts].sort(([a], [b]) => Number(a.slice(1)) - Number(b.slice(1)));
}

function finishedIn(input: Json): string[] {
  // SAFETY: journal entries are the machine's inputs.
  const { type, reports = [] } = input as {
    type: string;
    reports?: { node: string; ok: boolean }[];
  };
  return type === 'steps.finished' ? reports.filter((it) => it.ok).map((it) => it.node) : [];
}
