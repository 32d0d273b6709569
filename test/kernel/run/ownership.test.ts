import { expect, test } from 'vitest';
import { journalMemory } from '../../support/journal-memory.ts';
import { FIRST_RUN, hubLife } from './hub-life.ts';
import { ok, workflowOf } from './sketch.ts';

test('a hub whose run was taken over by another does no more of it', async () => {
  const journal = journalMemory();
  const { promise: gate, resolve: open } = Promise.withResolvers<undefined>();
  const old = hubLife(journal, {
    answer: async (node) => {
      await gate;
      return ok(node, { out: 1 });
    },
  });
  const nodes = { shot: 'idempotent', read: 'idempotent', tell: 'idempotent', click: 'external' };
  const { finished } = await old.engine.start(
    workflowOf(nodes, ['shot.out read.in', 'read.out tell.in', 'tell.out click.in']),
  );
  await old.event('step.started');
  const young = hubLife(journal);
  await young.engine.recover();
  expect((await young.event('run.finished')).status).toBe('succeeded');
  open(undefined);
  await expect(finished).rejects.toMatchObject({ code: 'RUN_FENCED' });
  await new Promise((resolve) => setImmediate(resolve));
  // What was journaled too late may have let the next step begin, which has no effect outside; no more than that.
  expect(['shot', 'shot read']).toContain(old.ran.join(' '));
  expect(young.ran).toEqual(['shot', 'read', 'tell', 'click']);
});

test('an external step begins only when its intent is durable; others do not wait for the disk', async () => {
  const memory = journalMemory();
  const log: string[] = [];
  const journal = {
    ...memory,
    append: async (...args: Parameters<typeof memory.append>): Promise<void> => {
      // Several turns of the event loop: as long as a slow disk.
      for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      await memory.append(...args);
      for (const { input } of args[2])
        log.push(`durable ${(input as { readonly type: string }).type}`);
    },
  };
  const life = hubLife(journal, {
    answer: (node) => {
      log.push(`begun ${node}`);
      return ok(node, { out: 1 });
    },
  });
  const { finished } = await life.engine.start(
    workflowOf({ shot: 'idempotent', crop: 'merge', click: 'external' }, [
      'shot.out crop.in',
      'crop.out click.in',
    ]),
  );
  expect((await finished).status).toBe('succeeded');
  expect(log.slice(0, 2)).toEqual(['begun shot', 'begun crop']);
  expect(log.indexOf('durable step.intended')).toBeGreaterThan(1);
  expect(log.indexOf('begun click')).toBe(log.indexOf('durable step.intended') + 1);
});

test('a disk that refuses ends the run’s life in this hub: nothing is acted on any more', async () => {
  const full = new Error('disk full');
  const journal = { ...journalMemory(), append: async () => await Promise.reject(full) };
  const life = hubLife(journal);
  const { finished } = await life.engine.start(
    workflowOf({ shot: 'idempotent', click: 'external' }, ['shot.out click.in']),
  );
  await expect(finished).rejects.toBe(full);
  expect(life.ran).not.toContain('click');
  expect(life.engine.status(FIRST_RUN)).toBeNull();
});
