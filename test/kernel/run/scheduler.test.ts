import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createScheduler } from '../../../kernel/run/scheduler.ts';

/** Work that ends when it is told to; `begun` names it in the order of its start. */
function bench(limit: number) {
  const scheduler = createScheduler(limit);
  const begun: string[] = [];
  const open = new Map<string, PromiseWithResolvers<void>>();
  const settled = async (): Promise<void> => await new Promise((resolve) => setImmediate(resolve));
  return {
    begun,
    open,
    add: (run: string, name: string): void => {
      scheduler.add(run, async () => {
        const gate = Promise.withResolvers<void>();
        begun.push(name);
        open.set(name, gate);
        await gate.promise.finally(() => open.delete(name));
      });
    },
    end: async (name: string): Promise<void> => {
      open.get(name)?.resolve();
      await settled();
    },
  };
}

test('work starts at once while there is room, and waits when there is none', async () => {
  const { add, begun, end } = bench(2);
  for (const name of ['a', 'b', 'c']) add('run', name);
  expect(begun).toEqual(['a', 'b']);
  await end('b');
  expect(begun).toEqual(['a', 'b', 'c']);
});

test('runs take turns: a run with one step does not wait for all steps of another', async () => {
  const { add, begun, end } = bench(1);
  for (const name of ['a1', 'a2', 'a3', 'a4']) add('a', name);
  add('b', 'b1');
  add('c', 'c1');
  for (const name of ['a1', 'a2', 'b1', 'c1', 'a3']) await end(name);
  expect(begun).toEqual(['a1', 'a2', 'b1', 'c1', 'a3', 'a4']);
});

test('whatever is added and in which order it ends, all of it starts once and never more than the limit at a time', async () => {
  const works = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 30 });
  const property = fc.asyncProperty(
    works,
    fc.integer({ min: 1, max: 5 }),
    fc.array(fc.nat(), { maxLength: 30 }),
    async (runs, limit, picks) => {
      const { add, begun, end, open } = bench(limit);
      const names = runs.map((run, i) => `${run}${String(i)}`);
      for (const [i, run] of runs.entries()) add(run, names[i] ?? '');
      for (let i = 0; open.size > 0; i += 1) {
        expect(open.size).toBe(Math.min(limit, names.length - begun.length + open.size));
        await end([...open.keys()][(picks[i] ?? 0) % open.size] ?? '');
      }
      expect(begun.toSorted()).toEqual(names.toSorted());
      for (const run of ['a', 'b', 'c']) {
        const own = (list: readonly string[]) => list.filter((name) => name.startsWith(run));
        expect(own(begun)).toEqual(own(names));
      }
    },
  );
  await fc.assert(property, { numRuns: 50 });
});
