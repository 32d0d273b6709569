import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { StepContext } from '@runtime-hub/plugin-sdk';
import { conditionNode } from '../../../plugins/core-flow/nodes/condition.ts';
import { delayNode } from '../../../plugins/core-flow/nodes/delay.ts';
import { mergeNode } from '../../../plugins/core-flow/nodes/merge.ts';
import { oncePerChangeNode } from '../../../plugins/core-flow/nodes/once-per-change.ts';
import { setNode } from '../../../plugins/core-flow/nodes/set.ts';
import { switchNode } from '../../../plugins/core-flow/nodes/switch.ts';

function contextOf(step = 'step 1', kept = new Map<string, unknown>()): StepContext {
  const context = {
    node: 'n1',
    idempotencyKey: step,
    slept: [] as number[],
    state: {
      get: async (key: string) => kept.get(key) ?? null,
      set: async (key: string, value: unknown) => void kept.set(key, value),
      replace: async (key: string, expected: unknown, value: unknown) => {
        const before = kept.get(key) ?? null;
        const replaced = isDeepStrictEqual(before, expected);
        if (replaced) kept.set(key, value);
        return { replaced, before };
      },
    },
    sleep: async () => undefined,
  };
  // SAFETY: these nodes use nothing else of the context.
  return context as unknown as StepContext;
}

const reading = (value: number | null, text: string, confidence = 90) => ({
  value,
  text,
  confidence,
  box: null,
});

describe('condition', () => {
  const run = (value: unknown, when?: boolean | null) =>
    conditionNode.run({
      config: { operator: '>', compareWith: 42, ...(when === undefined ? {} : { when }) },
      inputs: { value },
      context: contextOf(),
    });

  it.each([
    [43, { true: 43 }],
    [42, { false: 42 }],
    [null, { unreadable: null }],
    ['43', { unreadable: '43' }],
    [Number.NaN, { unreadable: Number.NaN }],
    [[43], { unreadable: [43] }],
  ])('sends %j on', (value, expected) => expect(run(value)).toEqual(expected));

  it('takes the number of a reading', () => {
    expect(run(reading(43, '43'))).toEqual({ true: reading(43, '43') });
    expect(run(reading(null, '4Z'))).toEqual({ unreadable: reading(null, '4Z') });
  });

  it('lets `when` decide', () => {
    expect(run(1, true)).toEqual({ true: 1 });
    expect(run(99, false)).toEqual({ false: 99 });
    expect(run(99, null)).toEqual({ unreadable: 99 });
  });
});

describe('once-per-change', () => {
  it('goes on once per value, and the same way when tried again', async () => {
    const kept = new Map<string, unknown>();
    const run = (value: unknown, step: string) =>
      oncePerChangeNode.run({ config: {}, inputs: { value }, context: contextOf(step, kept) });
    expect(await run(reading(57, '57'), 'a')).toHaveProperty('changed');
    expect(await run(reading(57, '57'), 'a')).toHaveProperty('changed');
    expect(await run(reading(57, '57', 50), 'b')).toHaveProperty('same');
    expect(await run(reading(58, '58'), 'c')).toHaveProperty('changed');
    expect(await run({ a: 1, b: 2 }, 'd')).toHaveProperty('changed');
    expect(await run({ b: 2, a: 1 }, 'e')).toHaveProperty('same');
  });

  it('tells workflows that share a host apart', async () => {
    const [one, two] = [new Map<string, unknown>(), new Map<string, unknown>()];
    const run = (value: unknown, step: string, kept: Map<string, unknown>) =>
      oncePerChangeNode.run({ config: {}, inputs: { value }, context: contextOf(step, kept) });
    expect(await run(5, 'a', one)).toHaveProperty('changed');
    expect(await run(5, 'b', two)).toHaveProperty('changed');
    expect(await run(6, 'c', two)).toHaveProperty('changed');
    expect(await run(5, 'd', one)).toHaveProperty('same');
  });

  it('lets only one of two runs at once through', async () => {
    const kept = new Map<string, unknown>();
    const run = (step: string) =>
      oncePerChangeNode.run({ config: {}, inputs: { value: 7 }, context: contextOf(step, kept) });
    const results = await Promise.all([run('a'), run('b')]);
    expect(results.filter((it) => 'changed' in it)).toHaveLength(1);
  });
});

describe('delay, merge, switch, set', () => {
  it('pass values on', async () => {
    const context = contextOf();
    expect(await delayNode.run({ config: { ms: 5 }, inputs: { value: 7 }, context })).toEqual({
      value: 7,
    });
    expect(mergeNode.run({ config: {}, inputs: { b: 0, c: 2 }, context })).toEqual({ value: 0 });
    expect(setNode.run({ config: { value: [1] }, inputs: {}, context })).toEqual({ value: [1] });
  });

  it('takes the first case that holds', () => {
    const config = {
      cases: [
        { operator: '<', compareWith: 10 },
        { operator: '<', compareWith: 20 },
      ],
    } satisfies Parameters<typeof switchNode.run>[0]['config'];
    const run = (value: unknown) =>
      switchNode.run({ config, inputs: { value }, context: contextOf() });
    expect(run(5)).toEqual({ case1: 5 });
    expect(run(15)).toEqual({ case2: 15 });
    expect(run(25)).toEqual({ otherwise: 25 });
    expect(run(null)).toEqual({ unreadable: null });
  });
});
