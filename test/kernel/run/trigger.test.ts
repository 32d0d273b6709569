import type { JsonObject, StepReport } from '@runtime-hub/plugin-sdk/contract';
import { HubError } from '@runtime-hub/plugin-sdk/contract';
import { expect, onTestFinished, test } from 'vitest';
import { journalMemory } from '../../support/journal-memory.ts';
import { fakeClock } from '../capability/world.ts';
import { FIRST_RUN, hubLife, journalAfter, type Answer } from './hub-life.ts';
import { ok, PLUGIN, workflowOf } from './sketch.ts';

type Overlap = 'latest' | 'queue' | 'skip' | 'parallel';
type Fire = (value: number) => Promise<void>;

const workflow = (overlap: Overlap) =>
  workflowOf({ on: 'trigger', step: 'idempotent' }, ['on.out step.in'], { overlap });

/** A trigger that fires when the test says so, and ends when it is aborted. */
function firing() {
  const heard = Promise.withResolvers<Fire>();
  return {
    fire: heard.promise,
    listener: {
      async listen(
        _request: unknown,
        onEvent: (outputs: JsonObject) => Promise<void>,
        signal: AbortSignal,
      ): Promise<void> {
        heard.resolve(async (value) => await onEvent({ out: value }));
        const ended = Promise.withResolvers<void>();
        signal.addEventListener('abort', () => ended.resolve(), { once: true });
        await ended.promise;
      },
    },
  };
}

/** Steps that end one by one, when the test says so; each tells what its trigger brought. */
function stepping() {
  const begun: unknown[] = [];
  const open: (() => void)[] = [];
  const answer: Answer = async (node, request) => {
    begun.push(request.values[node]?.inputs?.['in']);
    const { promise, resolve } = Promise.withResolvers<StepReport>();
    open.push(() => resolve(ok(node)));
    return await promise;
  };
  return { answer, begun, end: () => open.shift()?.() };
}

async function opened(overlap: Overlap) {
  const trigger = firing();
  const steps = stepping();
  const life = hubLife(journalMemory(), { answer: steps.answer, listener: trigger.listener });
  const activation = life.engine.activate(workflow(overlap));
  onTestFinished(async () => await life.engine.close());
  const begins = async (count: number): Promise<void> =>
    await expect.poll(() => steps.begun.length).toBe(count);
  return { ...life, ...steps, activation, begins, fire: await trigger.fire };
}

const finished = (count: number) => {
  let left = count;
  return (): boolean => (left -= 1) === 0;
};

test('latest: of the events during a run only the last starts another', async () => {
  const { fire, begins, begun, end, event } = await opened('latest');
  for (const value of [1, 2, 3]) await fire(value);
  await begins(1);
  end();
  await begins(2);
  expect(begun).toEqual([1, 3]);
  end();
  await event('run.finished', finished(2));
  expect(begun).toEqual([1, 3]);
});

test('skip: events during a run start nothing', async () => {
  const { fire, begins, begun, end, event } = await opened('skip');
  await fire(1);
  await fire(2);
  await begins(1);
  end();
  await event('run.finished');
  // The event comes a moment before the next may start.
  const next = async (): Promise<number> => {
    await fire(3);
    return begun.length;
  };
  await expect.poll(next).toBe(2);
  expect(begun).toEqual([1, 3]);
});

test('queue: each event starts a run in turn, and the trigger waits: nothing piles up in the hub', async () => {
  const { fire, begins, begun, end } = await opened('queue');
  const taken: number[] = [];
  const fires = [1, 2, 3].map(async (value) => {
    await fire(value);
    taken.push(value);
  });
  for (const count of [1, 2, 3]) {
    await begins(count);
    expect(taken.length).toBeLessThanOrEqual(count);
    end();
  }
  await Promise.all(fires);
  expect(begun).toEqual([1, 2, 3]);
});

test('parallel: each event starts a run at once', async () => {
  const { fire, begins, begun } = await opened('parallel');
  for (const value of [1, 2, 3]) await fire(value);
  await begins(3);
  expect(begun).toEqual([1, 2, 3]);
});

test('a run from before the hub’s crash counts as one under way', async () => {
  const document = workflow('latest');
  const record = { id: FIRST_RUN, workflow: document, workspace: 'default', createdAt: 0 };
  const left = { record: { ...record, trigger: { node: 'on', outputs: { out: 1 } } }, entries: [] };
  const trigger = firing();
  const steps = stepping();
  const life = hubLife(await journalAfter(left, 0), {
    answer: steps.answer,
    listener: trigger.listener,
  });
  expect(await life.engine.recover()).toEqual([FIRST_RUN]);
  life.engine.activate(document);
  const fire = await trigger.fire;
  await fire(7);
  await expect.poll(() => steps.begun.length).toBe(1);
  expect(steps.begun).toEqual([1]);
  steps.end();
  await expect.poll(() => steps.begun.length).toBe(2);
  expect(steps.begun).toEqual([1, 7]);
  await life.engine.close();
});

test('after stop no event starts a run, not even one that waits', async () => {
  for (const overlap of ['latest', 'queue'] as const) {
    const { fire, begins, begun, end, event, activation } = await opened(overlap);
    await fire(1);
    const waiting = fire(2);
    await begins(1);
    await activation.stop();
    end();
    await event('run.finished');
    await waiting;
    await fire(3);
    expect(begun).toEqual([1]);
  }
});

test('a trigger without its permission waits for it; one that crashes listens again, later each time', async () => {
  const { clock, advance, timers } = fakeClock();
  const listens: number[] = [];
  let granted = false;
  const life = hubLife(journalMemory(), {
    clock,
    missing: () =>
      granted ? [] : [{ capability: 'screen.capture', target: '*', reason: 'to see' }],
    listener: {
      listen: async () => {
        listens.push(clock.now());
        await Promise.reject(new HubError('HOST_CRASHED', { plugin: 'p', how: 'signal 9' }));
      },
    },
  });
  const activation = life.engine.activate(workflow('latest'));
  await Promise.resolve();
  expect(listens).toEqual([]);
  granted = true;
  life.engine.permissionsChanged(PLUGIN);
  const start = clock.now();
  for (const wait of [1000, 2000, 4000]) {
    await expect.poll(() => timers.size).toBe(1);
    advance(wait);
  }
  await expect.poll(() => listens.length).toBe(4);
  expect(listens.map((at) => at - start)).toEqual([0, 1000, 3000, 7000]);
  const crashed = life.events.filter((it) => it.type === 'trigger.ended');
  expect(crashed.map((it) => it.error?.code)).toContain('HOST_CRASHED');
  await activation.stop();
  expect(timers.size).toBe(0);
});
