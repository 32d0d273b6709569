import { expect, test } from 'vitest';
import { pluginId, type Permission, type StepReport } from '@runtime-hub/plugin-sdk/contract';
import { journalMemory } from '../../support/journal-memory.ts';
import { installed, notOk, ok, sourceOf, workflowOf } from './sketch.ts';
import {
  FIRST_RUN,
  hubLife,
  journalAfter,
  runToEnd,
  type Answer,
  type HubLife,
  type Leftover,
} from './hub-life.ts';
import { broken } from './trace.ts';

const retry = { maxAttempts: 3, delayMs: 10, maxDelayMs: 10 };

/** Six steps, two of which act on the outside world, one that fails at first. */
const SIX = workflowOf(
  {
    shot: 'idempotent',
    crop: 'idempotent',
    click: 'external',
    read: { type: 'idempotent', retry },
    tell: 'external',
    end: 'merge',
  },
  ['shot.out crop.in', 'crop.out click.in', 'click read', 'read.out tell.in', 'tell.out end.in'],
);

/** The first attempt of `read` fails. */
const answer: Answer = (node, request): StepReport =>
  node === 'read' && request.values['read']?.attempt === 1
    ? notOk(node, broken)
    : ok(node, { out: 1 });

/** What a person reads from the first `count` entries: steps that finished, the one that had begun outside. */
function toldBy({ entries }: Leftover, count: number) {
  const finished = new Set<string>();
  let begun: string | null = null;
  for (const { input } of entries.slice(0, count)) {
    // SAFETY: written by the driver; only the two forms that are looked for matter.
    const entry = input as {
      readonly type: string;
      readonly node: string;
      readonly reports: readonly StepReport[];
    };
    if (entry.type === 'step.intended') begun = entry.node;
    if (entry.type !== 'steps.finished') continue;
    begun = null;
    for (const report of entry.reports) if (report.ok) finished.add(report.node);
  }
  return { finished, begun };
}

async function lifeAfter(left: Leftover, count: number) {
  const journal = await journalAfter(left, count);
  const life = hubLife(journal, { answer });
  expect(await life.engine.recover()).toEqual([FIRST_RUN]);
  return { journal, life };
}

/** Resolves when the run has ended, answering for the step that nobody knows about. */
async function ended(life: HubLife, begun: string | null, as: 'done' | 'retry'): Promise<string> {
  if (begun !== null) {
    await life.event('step.unknown', (event) => event.node === begun);
    expect(life.engine.status(FIRST_RUN)?.nodes[begun]).toBe('unknown');
    expect(life.ran).not.toContain(begun);
    await life.engine.resolve(FIRST_RUN, begun, as);
  }
  return (await life.event('run.finished')).status;
}

const { left, outcome } = await runToEnd(SIX, { answer });
const prefixes = Array.from({ length: left.entries.length }, (_, count) => count);

test('the run that is crashed below succeeds when nothing crashes, and its journal names each input', () => {
  expect(outcome.status).toBe('succeeded');
  const types = left.entries.map(({ input }) => (input as { readonly type: string }).type);
  expect(types).toEqual([
    'steps.finished',
    'steps.finished',
    'step.intended',
    'steps.finished',
    'steps.finished',
    'timer.fired',
    'steps.finished',
    'step.intended',
    'steps.finished',
    'steps.finished',
  ]);
  expect(left.entries.map(({ seq }) => seq)).toEqual(types.map((_, i) => i + 1));
});

for (const as of ['done', 'retry'] as const)
  test.for(prefixes)(
    `after a crash at entry %i finished steps stay finished, an unknown one is resolved as ${as}, the run ends`,
    async (count) => {
      const { finished, begun } = toldBy(left, count);
      const { journal, life } = await lifeAfter(left, count);
      // Told to have been done, a step has no outputs: what waits for its data is skipped, what waits for it runs.
      expect(await ended(life, begun, as)).toBe('succeeded');
      expect(life.ran.filter((node) => finished.has(node))).toEqual([]);
      expect(life.ran.filter((node) => node === 'click').length).toBeLessThanOrEqual(1);
      expect(life.ran.filter((node) => node === 'tell').length).toBeLessThanOrEqual(1);
      expect(await journal.open()).toEqual([]);
      const seqs = journal.kept().entries.map(({ seq }) => seq);
      expect(seqs).toEqual(seqs.map((_, i) => i + 1));
      const all = new Set([...finished, ...life.ran, ...(begun === null ? [] : [begun])]);
      const skipped = begun === 'tell' && as === 'done' ? ['end'] : [];
      expect([...all, ...skipped].toSorted()).toEqual(Object.keys(SIX.nodes).toSorted());
      await life.engine.close();
    },
  );

test('a crash after the last entry, before the end was written, only writes the end', async () => {
  const { journal, life } = await lifeAfter(left, left.entries.length);
  expect(life.ran).toEqual([]);
  expect(await journal.open()).toEqual([]);
});

test('a run that crashes after each entry, one hub life after the other, ends all the same', async () => {
  const journal = journalMemory();
  const first = hubLife(journal, { answer: async () => await new Promise(() => undefined) });
  await first.engine.start(SIX);
  await first.engine.close();
  const counts = new Map<string, number>();
  let lives = 0;
  for (; (await journal.open()).length > 0; lives += 1) {
    const { promise: dead, resolve: die } = Promise.withResolvers<undefined>();
    let left1 = 1;
    const life = hubLife(journal, {
      // One step each life; the next hangs for ever.
      answer: async (node, request, signal) => {
        left1 -= 1;
        if (left1 < 0) {
          die(undefined);
          return await new Promise<StepReport>(() => undefined);
        }
        const report = await answer(node, request, signal);
        if (report.ok) counts.set(node, (counts.get(node) ?? 0) + 1);
        return report;
      },
    });
    await life.engine.recover();
    const unknown = Object.entries(life.engine.status(FIRST_RUN)?.nodes ?? {}).find(
      ([, status]) => status === 'unknown',
    );
    if (unknown !== undefined) await life.engine.resolve(FIRST_RUN, unknown[0], 'retry');
    await Promise.race([dead, life.event('run.finished')]);
    await life.engine.close();
    expect(lives).toBeLessThan(20);
  }
  expect(Object.fromEntries(counts)).toEqual(
    Object.fromEntries(Object.keys(SIX.nodes).map((node) => [node, 1])),
  );
});

test('a step in flight hears that the hub stops, and what it says afterwards is not journaled', async () => {
  const journal = journalMemory();
  const { promise: heard, resolve: hear } = Promise.withResolvers<unknown>();
  const life = hubLife(journal, {
    answer: async (node, _request, signal) =>
      await new Promise<StepReport>((resolve) => {
        signal.addEventListener('abort', () => {
          hear(signal.reason);
          resolve(ok(node, { out: 1 }));
        });
      }),
  });
  await life.engine.start(workflowOf({ shot: 'idempotent' }));
  await life.event('step.started');
  await life.engine.close();
  expect(await heard).toMatchObject({ code: 'STEP_CANCELLED' });
  await new Promise((resolve) => setImmediate(resolve));
  const claimed = await journal.claim(FIRST_RUN);
  expect(claimed?.entries).toEqual([]);
});

test('a run whose plugin is gone is told about and left alone; it can be taken up later', async () => {
  const journal = await journalAfter(left, 2);
  const life = hubLife(journal, { plugins: sourceOf(installed([], pluginId('test/other'))) });
  expect(await life.engine.recover()).toEqual([]);
  const { reason } = await life.event('run.waiting');
  expect(reason).toContain('test/steps');
  expect(await journal.open()).toEqual([FIRST_RUN]);
  const later = hubLife(journal, { answer });
  await later.engine.recover();
  expect((await later.event('run.finished')).status).toBe('succeeded');
});

test('a step that waits for its permission asks again after a crash and runs when it is granted', async () => {
  const journal = journalMemory();
  const workflow = workflowOf({ look: 'asking' });
  const need: Permission = { capability: 'screen.capture', target: '*', reason: 'to look' };
  const before = hubLife(journal, { missing: () => [need] });
  await before.engine.start(workflow);
  await before.event('step.waiting');
  await before.engine.close();
  let granted = false;
  const after = hubLife(journal, { missing: () => (granted ? [] : [need]) });
  await after.engine.recover();
  expect((await after.event('step.waiting')).permissions).toEqual([need]);
  expect(after.ran).toEqual([]);
  granted = true;
  after.engine.permissionsChanged(pluginId('test/steps'));
  expect((await after.event('run.finished')).status).toBe('succeeded');
  expect(after.ran).toEqual(['look']);
});

test('a cancelled run stays cancelled after a crash', async () => {
  const journal = journalMemory();
  const never: Answer = async () => await new Promise<StepReport>(() => undefined);
  const before = hubLife({ ...journal, end: never as never }, { answer: never });
  await before.engine.start(SIX);
  await before.engine.cancel(FIRST_RUN, 'enough');
  const after = hubLife(journal, { answer });
  await after.engine.recover();
  expect(after.ran).toEqual([]);
  expect(await journal.open()).toEqual([]);
});

test('steering a run that is over or was never there is refused', async () => {
  const life = hubLife(journalMemory());
  const { finished } = await life.engine.start(workflowOf({ shot: 'idempotent' }));
  await finished;
  await expect(life.engine.cancel(FIRST_RUN, 'late')).rejects.toMatchObject({
    code: 'RUN_NOT_FOUND',
  });
  await expect(life.engine.resolve(FIRST_RUN, 'shot', 'done')).rejects.toMatchObject({
    code: 'RUN_NOT_FOUND',
  });
});
