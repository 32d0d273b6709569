import type { Journal } from '@runtime-hub/kernel';
import { runId } from '@runtime-hub/plugin-sdk/contract';
import { expect, test } from 'vitest';
import { entryOf, recordOf } from '../studio/server/store/records.ts';

/** A new run’s, by contract. */
export const FIRST_EPOCH = 1;

/** What every journal must do; run on each implementation. */
export function testJournal(name: string, open: () => Promise<Journal & AsyncDisposable>): void {
  const run = runId('run-0001');

  test(`${name}: a claimed run has its record and all its entries in order`, async () => {
    await using journal = await open();
    await journal.create(recordOf(run));
    const appends = [1, 2, 3, 4].map((seq) => journal.append(run, FIRST_EPOCH, [entryOf(seq)]));
    await Promise.all([...appends, journal.append(run, FIRST_EPOCH, [entryOf(5), entryOf(6)])]);
    const claimed = await journal.claim(run);
    expect(claimed?.record).toEqual(recordOf(run));
    expect(claimed?.entries).toEqual([1, 2, 3, 4, 5, 6].map(entryOf));
    expect(claimed?.epoch).toBeGreaterThan(FIRST_EPOCH);
  });

  test(`${name}: an append with an old epoch is fenced and leaves nothing`, async () => {
    await using journal = await open();
    await journal.create(recordOf(run));
    const claimed = await journal.claim(run);
    const late = journal.append(run, FIRST_EPOCH, [entryOf(1)]);
    await expect(late).rejects.toMatchObject({ code: 'RUN_FENCED' });
    const end = journal.end(run, FIRST_EPOCH, 'failed', 2);
    await expect(end).rejects.toMatchObject({ code: 'RUN_FENCED' });
    await journal.append(run, claimed?.epoch ?? 0, [entryOf(1)]);
    expect((await journal.claim(run))?.entries).toEqual([entryOf(1)]);
  });

  test(`${name}: open runs are listed oldest first until they end`, async () => {
    await using journal = await open();
    const ids = ['run-000b', 'run-000a', 'run-000c'];
    await Promise.all(ids.map(async (id) => await journal.create(recordOf(id))));
    await journal.end(runId('run-000a'), FIRST_EPOCH, 'succeeded', 2);
    expect(await journal.open()).toEqual(['run-000b', 'run-000c']);
    expect(await journal.claim(runId('run-000a'))).toBeNull();
  });

  test(`${name}: an unknown run cannot be claimed`, async () => {
    await using journal = await open();
    expect(await journal.claim(runId('run-none'))).toBeNull();
  });
}
