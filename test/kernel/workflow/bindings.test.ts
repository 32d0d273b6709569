import { expect, test } from 'vitest';
import type { Json, JsonObject } from '@runtime-hub/plugin-sdk/contract';
import { findBindings, resolveBindings, stepsRead } from '@runtime-hub/plugin-sdk/expression';

const scopeOf = (inputs: JsonObject = {}) => ({
  inputs,
  steps: {},
  trigger: {},
  run: { id: 'run-0001' },
});

test('bindings are found wherever they stand, and nothing else is', () => {
  const value = {
    a: { $cel: 'inputs.n' },
    b: [1, { c: { $cel: 'run.id', orElse: 1 } }],
    d: '$cel',
    e: { $cel: 1 },
  };
  const found = findBindings(value, '/config');
  expect(new Map(found.map(({ at, expression }) => [at, expression]))).toEqual(
    new Map([
      ['/config/a', 'inputs.n'],
      ['/config/b/1/c', 'run.id'],
    ]),
  );
});

test('bindings are found however deep they stand', () => {
  let value: Json = { $cel: '1' };
  for (let depth = 0; depth < 50_000; depth += 1) value = [value];
  expect(findBindings(value)).toHaveLength(1);
});

test('a binding is replaced by its value, all around it stays', () => {
  const value = { a: { $cel: 'inputs.n + 1' }, b: [{ $cel: 'run.id' }, 'x'], c: { d: null } };
  expect(resolveBindings(value, scopeOf({ n: 1 }))).toEqual({
    a: 2,
    b: ['run-0001', 'x'],
    c: { d: null },
  });
});

test('a binding that fails gives its orElse, also when that is null, else STEP_EXPRESSION_FAILED with its place', () => {
  const expression = 'inputs.nope';
  expect(resolveBindings({ $cel: expression, orElse: 5 }, scopeOf())).toBe(5);
  expect(resolveBindings({ $cel: expression, orElse: null }, scopeOf())).toBeNull();
  expect(() => resolveBindings({ a: [{ $cel: expression }] }, scopeOf(), '/config')).toThrow(
    expect.objectContaining({
      code: 'STEP_EXPRESSION_FAILED',
      data: { at: '/config/a/0', expression, message: 'field not found: nope' },
    }),
  );
});

test('a value that looks like a binding is not evaluated again: data stays data', () => {
  const inputs = { v: { $cel: 'run.id' } };
  expect(resolveBindings({ a: { $cel: 'inputs.v' } }, scopeOf(inputs))).toEqual({ a: inputs.v });
});

test('a key named __proto__ survives resolving as a key', () => {
  // SAFETY: JSON made here.
  const value = JSON.parse('{"__proto__": {"$cel": "1 + 1"}}') as JsonObject;
  expect(JSON.stringify(resolveBindings(value, scopeOf()))).toBe('{"__proto__":2}');
});

test('the steps an expression reads are named in both notations, and only what it reads', () => {
  const expression = 'steps.a.out + steps["b-1"].out + steps [ \'c\' ].x + mysteps.d + "steps.e"';
  expect(stepsRead(expression).toSorted()).toEqual(['a', 'b-1', 'c']);
  const more = 'has(steps.a.out) && inputs.list.exists(x, x == steps.b.out) && inputs.steps.d';
  expect(stepsRead(more).toSorted()).toEqual(['a', 'b']);
  expect(stepsRead('steps.a +')).toEqual([]);
});
