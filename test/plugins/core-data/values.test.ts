import { describe, expect, it } from 'vitest';
import type { StepContext } from '@runtime-hub/plugin-sdk';
import { Turns } from '../../../plugins/core-data/turns.ts';
import { runData } from './run-data.ts';

const invalid = (at: string) => ({ code: 'STEP_INPUT_INVALID', data: { problems: [{ at }] } });
// SAFETY: JSON.parse gives an own key of that name, as a hostile sender would.
const hostile = JSON.parse('{"__proto__": {"admin": true}}') as object;

describe('pick', () => {
  it('keeps keys of an object, or of each of a list', async () => {
    const value = { a: 1, b: 2, c: 3 };
    expect(await runData('pick', { keys: ['c', 'a', 'x'] }, { value })).toEqual({
      value: { c: 3, a: 1 },
    });
    const list = await runData('pick', { keys: ['a'] }, { value: [value, {}] });
    expect(list).toEqual({ value: [{ a: 1 }, {}] });
  });

  it('takes nothing from prototypes', async () => {
    expect(await runData('pick', { keys: ['constructor'] }, { value: {} })).toEqual({ value: {} });
    const found = runData('pick', { keys: ['__proto__'] }, { value: hostile });
    await expect(found).rejects.toMatchObject(invalid('/keys'));
    await expect(runData('pick', { keys: ['a'] }, { value: [5] })).rejects.toMatchObject(
      invalid('/value/0'),
    );
  });
});

describe('merge', () => {
  const inputs = { a: { x: { one: 1 }, y: 1 }, b: { x: { two: 2 } }, c: { y: [2] } };

  it('lets the last count, deep when told', async () => {
    expect(await runData('merge', {}, inputs)).toEqual({ value: { x: { two: 2 }, y: [2] } });
    expect(await runData('merge', { deep: true }, inputs)).toEqual({
      value: { x: { one: 1, two: 2 }, y: [2] },
    });
  });

  it('reaches into no prototype', async () => {
    const found = runData('merge', { deep: true }, { a: {}, b: hostile });
    await expect(found).rejects.toMatchObject(invalid('/value'));
    expect({}).not.toHaveProperty('admin');
  });
});

describe('sort and group', () => {
  const items = [{ k: 'b', n: 2 }, { k: 'a', n: 2 }, { n: 1 }, { k: 'a', n: 10 }];

  it('order by a key, equal ones as they came, missing ones last', async () => {
    const sorted = await runData('sort', { key: 'k' }, { items });
    expect(sorted['items']).toEqual([items[1], items[3], items[0], items[2]]);
    const down = await runData('sort', { key: 'n', descending: true }, { items });
    expect(down['items']).toEqual([items[3], items[0], items[1], items[2]]);
    expect(await runData('sort', {}, { items: [10, 9, null, 1] })).toEqual({
      items: [1, 9, 10, null],
    });
  });

  it('put together what has the same value', async () => {
    const { groups } = await runData('group', { key: 'k' }, { items });
    expect(groups).toEqual([
      { key: 'b', items: [items[0]], count: 1 },
      { key: 'a', items: [items[1], items[3]], count: 2 },
      { key: null, items: [items[2]], count: 1 },
    ]);
    const proto = await runData('group', { key: 'constructor' }, { items: [{}] });
    expect(proto['groups']).toMatchObject([{ key: null }]);
  });

  it('refuse what can’t be compared', async () => {
    await expect(runData('sort', {}, { items: [1, 'a'] })).rejects.toMatchObject(invalid('/items'));
    await expect(runData('sort', {}, { items: [{}] })).rejects.toMatchObject(invalid('/items/0'));
    await expect(runData('group', { key: 'k' }, { items: [{ k: [] }] })).rejects.toMatchObject(
      invalid('/items/0'),
    );
  });
});

describe('turns', () => {
  /** A context whose pauses are noted and end when `release` is called. */
  function contextOf(log: string[], name: string) {
    const controller = new AbortController();
    const sleep = async (): Promise<void> => {
      log.push(`${name} leaves`);
      await Promise.resolve();
    };
    // SAFETY: turns use nothing else of the context.
    return { controller, context: { signal: controller.signal, sleep } as unknown as StepContext };
  }

  it('let long work leave every 20 ms, one piece of work at a time', async () => {
    let now = 1000;
    const turns = new Turns(() => now);
    const log: string[] = [];
    function* pieces(name: string): Generator<string, void> {
      for (const part of ['1', '2']) {
        now += 15;
        log.push(`${name} ${part}`);
        yield part;
      }
    }
    const work = (name: string) => turns.collect(contextOf(log, name).context, pieces(name));
    expect(await Promise.all([work('a'), work('b')])).toEqual([
      ['1', '2'],
      ['1', '2'],
    ]);
    expect(log).toEqual(['a 1', 'a 2', 'b leaves', 'b 1', 'b 2', 'a leaves']);
  });

  it('skip whoever was cancelled while it waited', async () => {
    const turns = new Turns(() => 1000);
    const first = Promise.withResolvers<number>();
    const doing = turns.take(contextOf([], 'a').context, () => first.promise);
    const { controller, context } = contextOf([], 'b');
    const waiting = turns.take(context, () => Promise.resolve(2));
    const next = turns.take(contextOf([], 'c').context, () => Promise.resolve(3));
    controller.abort(new Error('cancelled'));
    await expect(waiting).rejects.toThrow('cancelled');
    first.resolve(1);
    expect([await doing, await next]).toEqual([1, 3]);
  });
});
