import type { JsonObject } from '@runtime-hub/plugin-sdk/contract';
import { expect, test } from 'vitest';
import type { ListenRequest, SegmentRequest } from '@runtime-hub/kernel';
import { journalMemory } from '../../support/journal-memory.ts';
import { FIRST_RUN, hubLife, journalAfter, runToEnd } from './hub-life.ts';
import { ok, workflowOf } from './sketch.ts';

const STEP = workflowOf({ step: 'idempotent' }, []);

test('a run carries its workspace to its steps and its permissions, and its record to the next hub', async () => {
  const asked: string[] = [];
  const ran: string[] = [];
  const options = {
    answer: (node: string, { workspace }: SegmentRequest) => {
      ran.push(workspace);
      return ok(node);
    },
    missing: (_node: unknown, workspace: string) => {
      asked.push(workspace);
      return [];
    },
  };
  const life = hubLife(journalMemory(), options);
  for (const workspace of ['red', undefined]) {
    const where = workspace === undefined ? {} : { workspace };
    await (
      await life.engine.start(STEP, where)
    ).finished;
  }
  expect(ran).toEqual(['red', 'default']);
  expect(asked.every((it) => ['red', 'default'].includes(it))).toBe(true);
  const { left } = await runToEnd(STEP, options);
  const record = { ...left.record, workspace: 'blue' };
  const after = hubLife(await journalAfter({ ...left, record }, 0), options);
  expect(await after.engine.recover()).toEqual([FIRST_RUN]);
  await after.event('run.finished');
  expect(ran.at(-1)).toBe('blue');
});

test('a trigger listens, and starts its runs, in the workspace of its activation', async () => {
  const on = workflowOf({ on: 'trigger', step: 'idempotent' }, ['on.out step.in']);
  const listened: string[] = [];
  const ran: string[] = [];
  const life = hubLife(journalMemory(), {
    answer: (node, { workspace }) => {
      ran.push(workspace);
      return ok(node);
    },
    listener: {
      async listen(
        { workspace }: ListenRequest,
        onEvent: (outputs: JsonObject) => Promise<void>,
      ): Promise<void> {
        listened.push(workspace);
        await onEvent({ out: 1 });
      },
    },
  });
  await life.engine.activate(on, 'red').ended;
  await life.event('run.finished');
  expect([listened, ran]).toEqual([['red'], ['red']]);
  await life.engine.close();
});
