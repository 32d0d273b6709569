import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Json, JsonObject } from '@runtime-hub/plugin-sdk/contract';
import { compileExpression } from '@runtime-hub/plugin-sdk/expression';

const scopeOf = (inputs: JsonObject = {}) => ({
  inputs,
  steps: { shot: { out: 7, done: true }, 'b-1': { out: 8 } },
  trigger: { path: 'a.txt' },
  run: { id: 'run-0001' },
});
const valueOf = (text: string, inputs: JsonObject = {}): Json =>
  compileExpression(text)(scopeOf(inputs));

/** The text of the refusal; fails when there is none. */
function refusalOf(text: string, inputs: JsonObject = {}): string {
  try {
    const value = valueOf(text, inputs);
    return expect.fail(`${text} gave ${JSON.stringify(value)}`);
  } catch (error) {
    if (!(error instanceof Error) || error.name === 'AssertionError') throw error;
    return error.message;
  }
}

const numbers = { n: 41, d: 1.5, z: 0, neg: -3 };

test.for<[string, Json]>([
  ['inputs.n + 1', 42],
  ['1 + inputs.n', 42],
  ['inputs.n - 1', 40],
  ['inputs.n * 2', 82],
  ['inputs.n / 2', 20.5],
  ['inputs.n % 2', 1],
  ['inputs.d + 1', 2.5],
  ['inputs.d + inputs.n', 42.5],
  ['-inputs.n', -41],
  ['inputs.neg % 2', -1],
  ['1 + 1', 2],
  ['7 / 2', 3],
])('a number is a number, whether it looks like an int or not: %s is %o', ([text, value]) => {
  expect(valueOf(text, numbers)).toBe(value);
});

test.for<[string, boolean]>([
  ['inputs.n > 42', false],
  ['inputs.n > 40', true],
  ['inputs.n >= 41', true],
  ['inputs.n == 41', true],
  ['inputs.n == 41.0', true],
  ['inputs.n != 41', false],
  ['inputs.d > 1', true],
  ['inputs.d < 1.6', true],
  ['42 > inputs.n', true],
  ['inputs.n % 2 == 1', true],
  ['inputs.n > inputs.d && inputs.neg < 0', true],
  ['inputs.n in [40, 41]', true],
  ['inputs.z == 0 || inputs.nope', true],
])('a comparison reads as it is written: %s is %o', ([text, value]) => {
  expect(valueOf(text, numbers)).toBe(value);
});

test('integers and doubles mix in every order and give what JavaScript gives', () => {
  const operator = fc.constantFrom('+', '-', '*', '<', '<=', '>', '>=', '==', '!=');
  const property = fc.property(
    fc.integer({ min: -1000, max: 1000 }),
    fc.oneof(
      fc.integer({ min: -1000, max: 1000 }),
      fc.double({ min: -1000, max: 1000, noNaN: true }),
    ),
    operator,
    (literal, value, op) => {
      const expected: Readonly<Record<string, Json>> = {
        '+': value + literal,
        '-': value - literal,
        '*': value * literal,
        '<': value < literal,
        '<=': value <= literal,
        '>': value > literal,
        '>=': value >= literal,
        '==': value === literal,
        '!=': value !== literal,
      };
      const result = valueOf(`inputs.v ${op} (${String(literal)})`, { v: value });
      // As JSON, which has no -0.
      expect(JSON.stringify(result)).toBe(JSON.stringify(expected[op]));
    },
  );
  fc.assert(property, { numRuns: 300 });
});

test.for<[string, Json]>([
  ['inputs.s + "!"', 'text!'],
  ['inputs.s.startsWith("te")', true],
  ['inputs.s.contains("ex") && inputs.s.endsWith("t")', true],
  ['inputs.s.matches("^t.*t$")', true],
  ['size(inputs.s)', 4],
  ['inputs.l[0]', 1],
  ['inputs.l[inputs.i]', 2],
  ['inputs.l.map(x, x * 2)', [2, 4, 6]],
  ['inputs.l.filter(x, x > 1)', [2, 3]],
  ['inputs.l.exists(x, x == 2) && inputs.l.all(x, x > 0)', true],
  ['inputs.l + [4]', [1, 2, 3, 4]],
  ['inputs.m.a.b', 'deep'],
  ['inputs.m["a"]["b"]', 'deep'],
  ['has(inputs.m.a) && !has(inputs.m.z)', true],
  ['"a" in inputs.m', true],
  ['inputs.none == null', true],
  ['inputs.t ? "yes" : "no"', 'yes'],
  ['{"a": inputs.s, "b": [null, true]}', { a: 'text', b: [null, true] }],
  ['steps.shot.out + 1', 8],
  ['steps["b-1"].out', 8],
  ['trigger.path', 'a.txt'],
  ['run.id', 'run-0001'],
])('what a step sees can be taken apart: %s is %o', ([text, value]) => {
  const inputs = { s: 'text', l: [1, 2, 3], i: 1, m: { a: { b: 'deep' } }, none: null, t: true };
  expect(valueOf(text, inputs)).toEqual(value);
});

test('a value passes through an expression unchanged, whatever JSON it is', () => {
  const property = fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
    const text = JSON.stringify(value);
    // SAFETY: parsed from JSON.
    const result = valueOf('inputs.v', { v: JSON.parse(text) as Json });
    expect(JSON.stringify(result)).toBe(text);
  });
  fc.assert(property, { numRuns: 300 });
});

test.for([
  'inputs.nope',
  'inputs["nope"]',
  'inputs.m.nope.deeper',
  'steps.nope.out',
  'inputs.l[9]',
  'inputs.l[-1]',
  'inputs.l[0.5]',
  'inputs.l["x"]',
  'inputs.s.length',
  'nobody',
  'nobody.there',
  'call(1)',
])('what is not there is refused, not undefined: %s', (text) => {
  expect(refusalOf(text, { l: [1], s: 'text', m: {} })).not.toBe('');
});

test.for([
  'inputs.s + 1',
  'inputs.s > 1',
  'inputs.s ? 1 : 2',
  '!inputs.n',
  '1 / 0',
  'inputs.n / 0',
  'double(inputs.s)',
  '9223372036854775807 + 1',
  '1e400',
  'type(1)',
  'b"bytes"',
  'timestamp("2020-01-01T00:00:00Z")',
  '{1: 2}',
])('what has no meaning or is not JSON is refused: %s', (text) => {
  expect(refusalOf(text, { s: 'sesame', n: 1 })).not.toContain('sesame');
});

test.for([
  '',
  ' ',
  '1 +',
  '"',
  'inputs..n',
  'inputs.n = 1',
  'return 1',
  '() => 1',
  'new Date()',
  '`x`',
])('what is not CEL does not compile: %o', (text) => {
  expect(() => compileExpression(text)).toThrow(/^<input>:1:\d+: /u);
});

test.for([
  'inputs.constructor',
  'inputs["constructor"]',
  'inputs.__proto__',
  'inputs["__proto__"]',
  'inputs.toString',
  'inputs.hasOwnProperty("n")',
  'inputs.constructor.constructor("return 1")()',
  'inputs.s.constructor',
  'inputs.l.constructor',
  'inputs.l.length',
  'steps.constructor',
  'steps.shot.__proto__',
  'constructor',
  'constructor.constructor',
  'toString',
  '__proto__.constructor',
  'this',
  'globalThis',
  'process',
])('nothing leads from data to an object’s prototype: %s', (text) => {
  expect(refusalOf(text, { s: 'text', l: [1], n: 1 })).not.toBe('');
});

test('keys that objects inherit are keys like any other when they are there', () => {
  // SAFETY: JSON made here.
  const inputs = JSON.parse('{"__proto__": 1, "constructor": 2, "toString": 3}') as JsonObject;
  expect(valueOf('[inputs.__proto__, inputs.constructor, inputs.toString]', inputs)).toEqual([
    1, 2, 3,
  ]);
  expect(JSON.stringify(valueOf('{"__proto__": 1}'))).toBe('{"__proto__":1}');
  expect({}).not.toHaveProperty('0');
});

test('a text of over 2,000 characters does not compile, one of 2,000 does', () => {
  const text = `1${'+1'.repeat(999)} `;
  expect(text).toHaveLength(2000);
  expect(valueOf(text)).toBe(1000);
  expect(() => compileExpression(`${text} `)).toThrow('longer than 2000 characters');
});

test.for<[string, string]>([
  ['parentheses', `${'('.repeat(999)}1${')'.repeat(999)}`],
  ['lists', `${'['.repeat(999)}1${']'.repeat(999)}`],
  ['negations', `${'!'.repeat(1990)}true`],
  ['conditions', `${'true?1:'.repeat(280)}1`],
  ['fields', `inputs${'.a'.repeat(990)}`],
  ['open parentheses', '('.repeat(2000)],
])('deep %s end in a value or a refusal, not in a crash', ([, text]) => {
  let outcome = 'value';
  try {
    valueOf(text);
  } catch (error) {
    expect(error).toBeInstanceOf(Error);
    outcome = 'refusal';
  }
  expect(['value', 'refusal']).toContain(outcome);
});

test('loops in each other are bounded, since each multiplies what an expression costs', () => {
  const nested = (loops: number): string =>
    Array.from({ length: loops }, (_, i) => `inputs.l.all(x${String(i)}, `).join('') +
    'true' +
    ')'.repeat(loops);
  expect(compileExpression(nested(2))(scopeOf({ l: [1, 2] }))).toBe(true);
  expect(() => compileExpression(nested(3))).toThrow('more than 2 loops');
});

test('a result deeper or larger than a frame may carry is refused', () => {
  const deep = `${'['.repeat(100)}1${']'.repeat(100)}`;
  expect(refusalOf(deep)).toBe('the result is too large');
  const list = Array.from({ length: 400 }, (_, i) => i);
  expect(refusalOf('inputs.l.map(x, inputs.l)', { l: list })).toBe('the result is too large');
});
