import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Json, JsonObject } from '@runtime-hub/plugin-sdk/contract';
import { PYTHON_SOURCES } from '../../../plugin-sdk/hosting/jail/python.ts';

type Case = readonly [schema: JsonObject | boolean, value: Json];

const SCRIPT = `
import json, sys
sys.path.insert(0, sys.argv[1])
from hub_host.checks import Check, Unsupported
def verdict(schema, value):
    try: return Check(schema).wrong(value) is None
    except Unsupported: return "unsupported"
print(json.dumps([verdict(*one) for one in json.load(sys.stdin)]))`;

/** What the Python host thinks of values; in this process's own Python, without a jail. */
async function verdicts(cases: readonly Case[]): Promise<readonly (boolean | 'unsupported')[]> {
  const child = spawn('/usr/bin/python3', ['-I', '-S', '-B', '-c', SCRIPT, PYTHON_SOURCES]);
  child.stdin.end(JSON.stringify(cases));
  const [answer, complaint] = await Promise.all([text(child.stdout), text(child.stderr)]);
  expect(complaint).toBe('');
  // SAFETY: the script prints a list of verdicts.
  return JSON.parse(answer) as readonly (boolean | 'unsupported')[];
}

const ajv = new Ajv2020({ strict: false, logger: false });
const fits = ([schema, value]: Case): boolean => ajv.validate(schema, value);

const VALUES: readonly Json[] = [
  ...[null, true, false, 0, 1, -1, 1.5, 2, 3, 1e6, 0.3],
  ...['', 'a', 'ab', 'a\n', 'abc', 'é', '😀', '😀😀', '42'],
  ...[[], [1], [1, 1], [1, true], [1, 2, 3], ['a', 'b'], [[]], [{ a: 1 }, { a: 1 }], [0, false]],
  ...[{}, { a: 1 }, { a: 'x' }, { a: 1, b: 2 }, { b: 2 }, { ab: 1 }, { a: { a: 1 } }, { a: null }],
];

const SCHEMAS: readonly (JsonObject | boolean)[] = [
  ...[true, false, {}],
  ...['null', 'boolean', 'integer', 'number', 'string', 'array', 'object'].map((type) => ({
    type,
  })),
  { type: ['string', 'null'] },
  { enum: [1, 'a', null, [1], { a: 1 }] },
  { enum: [true, 0] },
  ...[1, true, 'a', [1, true], { a: 1 }].map((it) => ({ const: it })),
  ...[{ minimum: 1 }, { maximum: 1 }, { exclusiveMinimum: 1 }, { exclusiveMaximum: 1 }],
  ...[{ multipleOf: 2 }, { multipleOf: 0.5 }, { multipleOf: 0.1 }],
  ...[{ minLength: 2 }, { maxLength: 1 }],
  ...['^a', 'a$', '^a$', '[$]', '\\$', '^[a-c]+$', '^\\d+$', '.'].map((pattern) => ({ pattern })),
  ...[{ minItems: 2 }, { maxItems: 1 }, { uniqueItems: true }, { items: { type: 'integer' } }],
  { prefixItems: [{ type: 'integer' }, { type: 'boolean' }] },
  { prefixItems: [{ type: 'integer' }], items: { type: 'string' } },
  { prefixItems: [{}], items: false },
  { contains: { const: 1 } },
  { contains: { const: 1 }, minContains: 2 },
  { contains: { const: 1 }, minContains: 0, maxContains: 1 },
  ...[{ minProperties: 1 }, { maxProperties: 1 }, { required: ['a'] }],
  { properties: { a: { type: 'integer' } } },
  { properties: { a: {} }, additionalProperties: false },
  { patternProperties: { '^a': { type: 'integer' } }, additionalProperties: false },
  { properties: { a: {} }, additionalProperties: { type: 'string' } },
  { propertyNames: { maxLength: 1 } },
  { dependentRequired: { a: ['b'] } },
  { dependentSchemas: { a: { required: ['b'] } } },
  { allOf: [{ type: 'integer' }, { minimum: 1 }] },
  { anyOf: [{ type: 'string' }, { minimum: 1 }] },
  { oneOf: [{ type: 'integer' }, { minimum: 1 }] },
  { not: { type: 'string' } },
  // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
  { if: { type: 'integer' }, then: { minimum: 1 }, else: { type: 'string' } },
  { if: { type: 'integer' }, else: { type: 'string' } },
  { $defs: { one: { type: 'integer' } }, anyOf: [{ $ref: '#/$defs/one' }, { type: 'array' }] },
  { properties: { a: { anyOf: [{ type: 'integer' }, { $ref: '#' }] } }, type: 'object' },
];

test('every keyword gives the verdict that the hub’s own checks give', async () => {
  const cases = SCHEMAS.flatMap((schema) => VALUES.map((value): Case => [schema, value]));
  const found = await verdicts(cases);
  const different = cases
    .map((one, index) => ({ one, python: found[index], hub: fits(one) }))
    .filter(({ python, hub }) => python !== hub);
  expect(different).toEqual([]);
  expect(cases.length).toBeGreaterThan(1500);
});

/** Without numbers that JavaScript writes with an exponent, of which ajv's multipleOf reads the first digit only. */
const modest = (value: unknown): Json =>
  // SAFETY: what JSON.parse gives is Json.
  JSON.parse(JSON.stringify(value), (_, it: unknown) =>
    typeof it === 'number' && (Math.abs(it) > 1e20 || Math.abs(it) < 1e-6) ? 7 : it,
  ) as Json;

test('random schemas give the same verdict', async () => {
  const schema = fc.letrec<{ schema: JsonObject; leaf: JsonObject }>((tie) => ({
    leaf: fc.constantFrom(
      ...SCHEMAS.filter(
        (it): it is JsonObject => typeof it === 'object' && !JSON.stringify(it).includes('$ref'),
      ),
    ),
    schema: fc.oneof(
      { maxDepth: 3 },
      tie('leaf'),
      fc.record({ items: tie('schema') }),
      fc.record({
        properties: fc.record({ a: tie('schema') }),
        additionalProperties: tie('schema'),
      }),
      fc.record({ anyOf: fc.array(tie('schema'), { minLength: 1, maxLength: 3 }) }),
      fc.record({ not: tie('schema') }),
    ),
  })).schema;
  const value = fc.oneof(
    fc.constantFrom(...VALUES),
    fc.jsonValue({ maxDepth: 3 }).map((it): Json => modest(it)),
  );
  const cases = fc.sample(fc.tuple(schema, value), { numRuns: 400, seed: 3 });
  const found = await verdicts(cases);
  expect(cases.filter((one, index) => found[index] !== fits(one))).toEqual([]);
});

test.each([
  [{ unevaluatedProperties: false }],
  [{ $ref: 'https://example.com/schema' }],
  [{ $ref: '#/$defs/missing' }],
  [{ $dynamicRef: '#x' }],
  [{ pattern: '(?<name>a)' }],
  [{ properties: { a: { format: 'email' } } }],
])('what is not checked in Python is refused, not passed over: %j', async (schema) => {
  expect(await verdicts([[schema, 1]])).toEqual(['unsupported']);
});
