import { describe, expect, it } from 'vitest';
import { runData } from './run-data.ts';

const failed = (at: string, message: RegExp) => ({
  code: 'STEP_EXPRESSION_FAILED',
  data: { at, message: expect.stringMatching(message) as string },
});
const people = [
  { name: 'Ada', age: 36 },
  { name: 'Bob', age: 17 },
];

describe('map', () => {
  it.each([
    ['item.name + "!"', ['Ada!', 'Bob!']],
    [
      '{"at": index, "older": item.age + 1}',
      [
        { at: 0, older: 37 },
        { at: 1, older: 18 },
      ],
    ],
    ['item.age >= 18 ? "adult" : "child"', ['adult', 'child']],
    ['has(item.name)', [true, true]],
    [
      '[1, 2].map(n, n * index)',
      [
        [0, 0],
        [1, 2],
      ],
    ],
  ])('computes %s', async (expression, items) => {
    expect(await runData('map', { expression }, { items: people })).toEqual({ items });
  });

  it('names the item that an expression fails for, quoting none of it', async () => {
    const items = [{ a: 1 }, { b: 's3cr3t' }];
    const found = runData('map', { expression: 'item.a' }, { items });
    await expect(found).rejects.toMatchObject(failed('/items/1', /field not found: a/u));
    const typed = runData('map', { expression: 'item.b + 1' }, { items: [{ b: 's3cr3t' }] });
    await expect(typed).rejects.toMatchObject(failed('/items/0', /no matching overload/u));
    await expect(typed).rejects.not.toThrow(/s3cr3t/u);
  });

  it.each([
    ['item.', /./u],
    ['item.all(a, a.all(b, b.all(c, true)))', /more than 2 loops/u],
  ])('refuses %s before any item', async (expression, message) => {
    await expect(runData('map', { expression }, { items: [] })).rejects.toMatchObject(
      failed('/expression', message),
    );
  });

  it.each(['item.constructor', 'item.__proto__', 'constructor', 'process', 'item.toString()'])(
    'finds nothing of the platform: %s',
    async (expression) => {
      await expect(runData('map', { expression }, { items: [{}] })).rejects.toMatchObject({
        code: 'STEP_EXPRESSION_FAILED',
        data: { at: '/items/0' },
      });
    },
  );

  it('gives no key that reaches into prototypes', async () => {
    const found = runData('map', { expression: '{"__proto__": {"admin": true}}' }, { items: [1] });
    await expect(found).rejects.toMatchObject(failed('/items/0', /“__proto__”/u));
    expect({}).not.toHaveProperty('admin');
  });

  it('bounds what all items together give', async () => {
    const items = Array.from({ length: 2000 }, () => Array.from({ length: 100 }, () => 1));
    await expect(runData('map', { expression: 'item' }, { items })).rejects.toMatchObject({
      code: 'STEP_EXPRESSION_FAILED',
      data: { message: 'the result is too large' },
    });
  });
});

describe('filter', () => {
  it('splits a list', async () => {
    const outputs = await runData('filter', { when: 'item.age >= 18' }, { items: people });
    expect(outputs).toEqual({ items: [people[0]], rejected: [people[1]] });
  });

  it('takes only true and false for an answer', async () => {
    const found = runData('filter', { when: 'item.age' }, { items: people });
    await expect(found).rejects.toMatchObject(failed('/items/0', /neither true nor false/u));
  });
});

describe('transform', () => {
  const value = {
    orders: [
      { id: 1, total: 5 },
      { id: 2, total: 7.5 },
    ],
  };

  it.each([
    ['$sum(orders.total)', 12.5],
    ['orders[total > 6].id', 2],
    ['orders.{"n": id}', [{ n: 1 }, { n: 2 }]],
    ['missing', null],
    ['$pad("7", -3, "0") & $pad("a", 3) & "|"', '007a  |'],
    ['$replace("a1b22", /[0-9]+/, "#")', 'a#b#'],
  ])('computes %s', async (expression, expected) => {
    expect(await runData('transform', { expression }, { value })).toEqual({ value: expected });
  });

  it.each([
    ['($f := function($n) { $f($n + 1) }; $f(1))', /more than 1000000 steps/u],
    ['($f := function($n) { 1 + $f($n + 1) }; $f(1))', /deeper than 200/u],
    ['[1..9999999]', /longer than 100000/u],
    ['$pad("", 1000000000)', /at most 10000 characters/u],
    ['$now()', /\$now is not offered/u],
    ['$millis()', /\$millis is not offered/u],
    ['$random()', /\$random is not offered/u],
    ['$shuffle([1, 2])', /\$shuffle is not offered/u],
    ['$eval("$now()")', /JSONata D3121/u],
    ['$sum.implementation([1])', /no function/u],
    ['$sum', /gives a function/u],
    ['(', /malformed at character 1/u],
  ])('ends %s', { timeout: 60_000 }, async (expression, message) => {
    await expect(runData('transform', { expression }, { value: 1 })).rejects.toMatchObject(
      failed('/expression', message),
    );
  });

  it.each(['$error("secret " & key)', '$number(key)', 'key + 1', '$assert(false, key)'])(
    'quotes no value when %s fails',
    async (expression) => {
      const found = runData('transform', { expression }, { value: { key: 's3cr3t' } });
      await expect(found).rejects.toMatchObject({ code: 'STEP_EXPRESSION_FAILED' });
      await expect(found).rejects.not.toThrow(/s3cr3t/u);
    },
  );

  it.each([
    ['constructor', null],
    ['$lookup($, "__proto__")', null],
    ['$ ~> |$|{"a": 2}|', { a: 2 }],
    ['$keys($)', 'a'],
    ['$ ~> |$|{"__proto__": {"admin": true}}|', { a: 1 }],
    ['($ ~> |$|{"__proto__": {"admin": true}}|).admin', null],
  ])('finds nothing in prototypes: %s', async (expression, expected) => {
    const found = await runData('transform', { expression }, { value: { a: 1 } });
    expect(found).toEqual({ value: expected });
  });

  it.each([
    ['{"__proto__": {"admin": true}}', /“__proto__”/u],
    [
      '($f := function($a, $n) { $n = 0 ? $a : $f({"a": $a}, $n - 1) }; $f(1, 60))',
      /deeper than 48/u,
    ],
    [
      '($f := function($a, $n) { $n = 0 ? $a : $f({"a": $a, "b": $a}, $n - 1) }; $f(1, 40))',
      /more than 100000 values/u,
    ],
    ['[$sum]', /a function/u],
  ])('hands on nothing a frame can’t hold: %s', async (expression, message) => {
    await expect(runData('transform', { expression }, { value: {} })).rejects.toMatchObject({
      code: 'STEP_INPUT_INVALID',
      data: { problems: [{ message: expect.stringMatching(message) as string }] },
    });
    expect({}).not.toHaveProperty('admin');
  });
});
