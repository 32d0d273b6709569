import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '@runtime-hub/kernel';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { auditCommand } from '../../../../studio/server/cli/audit.ts';
import { openHub } from '../../../../studio/server/hub.ts';
import { verifyFolder } from '../../../../studio/server/store/audit-folder.ts';
import { daily } from '../../../../studio/server/store/audit-retention.ts';
import { dataFolder, openedStore, useOf } from '../audit/folders.ts';

const DAY_MS = 86_400_000;
let folder = '';
let owner: ReturnType<typeof dataFolder>;
beforeEach(() => {
  owner = dataFolder();
  folder = owner.path;
});
afterEach(() => owner[Symbol.dispose]());

/** Writes a record for each age in days, the oldest first. */
async function writeAges(...days: readonly number[]): Promise<void> {
  await using store = await openedStore(folder);
  for (const age of days) store.audit.append(useOf(Date.now() - age * DAY_MS));
}

/** What a command prints and its exit code. */
async function hub(...args: readonly string[]): Promise<string> {
  const printed = vi.spyOn(console, 'log').mockReturnValue();
  try {
    expect(await auditCommand.run([...args, '--data', folder])).toBe(0);
    return printed.mock.calls.map(([text]) => String(text)).join('\n');
  } finally {
    printed.mockRestore();
  }
}

test('a hub forgets at its start what is older than 400 days, and the rest verifies', async () => {
  await writeAges(900, 401, 399, 0);
  {
    await using opened = await openHub({ folder });
    await expect.poll(() => opened.store.audit.retention().records).toBe(2);
  }
  expect(await verifyFolder(folder)).toMatchObject({ from: { sequence: 2 }, to: { sequence: 4 } });
});

test('hub audit keep says what is kept, and another number of days holds at once and from then on', async () => {
  await writeAges(300, 20, 0);
  expect(await hub('keep')).toMatch(
    /^Records are kept for 400 days\.\nThere are 3, the oldest of \d{4}-\d\d-\d\dT\S+Z\.$/u,
  );
  expect(await hub('keep', '--days', '30')).toMatch(
    /^Records are kept for 30 days\.\nForgot 1 records\.\nThere are 2, /u,
  );
  const kept = { days: 30, records: 2, pruned: 0, since: expect.any(Number) };
  expect(JSON.parse(await hub('keep', '--json'))).toEqual(kept);
  expect(await verifyFolder(folder)).toMatchObject({ from: { sequence: 1 } });
});

test.each(['0', '-1', '1.5', '36501', 'all', ''])('%j days are refused', async (days) => {
  const set = hub('keep', `--days=${days}`);
  await expect(set).rejects.toMatchObject({ code: 'HUB_REQUEST_INVALID' });
  expect(await hub('keep')).toContain('kept for 400 days');
});

test('a file that names no number of days forgets nothing, and says so', async () => {
  await writeAges(900, 0);
  await using store = await openedStore(folder);
  writeFileSync(join(folder, 'audit-days.txt'), 'forever');
  await expect(store.audit.retain(Date.now())).rejects.toMatchObject({
    code: 'HUB_REQUEST_INVALID',
    data: { field: 'audit-days.txt' },
  });
  expect(store.audit.to().sequence).toBe(2);
});

test('a clock that runs ahead forgets nothing by itself', async () => {
  await writeAges(10, 0);
  await using store = await openedStore(folder);
  expect(await store.audit.retain(Date.now() + 20_000 * DAY_MS)).toBe(0);
  expect(store.audit.retention().records).toBe(2);
});

test('of prunes at the same time the one that goes further counts, and the audit holds', async () => {
  await writeAges(900, 800, 700, 0);
  {
    await using store = await openedStore(folder);
    const ago = (days: number) => store.audit.prune(Date.now() - days * DAY_MS);
    expect(await Promise.all([ago(650), ago(850), ago(650)])).toEqual([3, 0, 0]);
  }
  expect(await verifyFolder(folder)).toMatchObject({ from: { sequence: 3 } });
});

test('it is done at once and then once a day, also after it failed, until it is disposed', async () => {
  let due: (() => void) | null = null;
  const waits: number[] = [];
  const clock: Clock = {
    now: () => 0,
    after(ms, fn) {
      waits.push(ms);
      due = fn;
      return { [Symbol.dispose]: () => void (due = null) };
    },
  };
  let done = 0;
  const timer = daily(clock, async () => {
    done += 1;
    await Promise.reject(new Error('the disk is full'));
  });
  expect(done).toBe(1);
  // SAFETY: `after` has set it.
  (due as unknown as () => void)();
  expect([done, waits]).toEqual([2, [DAY_MS, DAY_MS]]);
  timer[Symbol.dispose]();
  expect(due).toBeNull();
});
