import * as contract from '@runtime-hub/plugin-sdk/contract';
import {
  CAPABILITY_NAMES,
  ERROR_TABLE,
  HubError,
  capabilityText,
  errorOf,
  parseCapability,
  reportOf,
  covers,
  overlaps,
  isTarget,
  needsOf,
  type ErrorCode,
} from '@runtime-hub/plugin-sdk/contract';
import { Ajv } from 'ajv';
import fc from 'fast-check';
import type { Static } from 'typebox';
import { expect, expectTypeOf, test } from 'vitest';

const ajv = new Ajv({ strict: true, allowUnionTypes: true });
const nested = Object.values(contract.OPERATIONS).flatMap((operations) =>
  Object.entries(operations).flatMap(([name, { args, result }]) => [
    [`${name}.args`, args] as const,
    [`${name}.result`, result] as const,
  ]),
);
const isSchema = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && ('type' in value || 'anyOf' in value);
const schemas: readonly (readonly [string, object])[] = [
  ...Object.entries(contract).flatMap(([name, value]) =>
    isSchema(value) ? [[name, value] as const] : [],
  ),
  ...nested,
];

test.each(schemas)(
  'the schema %s is plain JSON that ajv compiles in strict mode',
  (_name, schema) => {
    const plain: unknown = JSON.parse(JSON.stringify(schema));
    expect(() => ajv.compile(plain as object)).not.toThrow();
  },
);

const accepts = (schema: object, value: unknown) => ajv.compile(schema)(value);
const blob = { $blob: 'a'.repeat(32), mime: 'x', sizeBytes: 1, sha256: 'b'.repeat(64) };
const permission = { capability: 'log', target: '*', reason: 'r' };
const workflow = { format: 'runtime-hub/workflow@1', name: 'W', nodes: {}, edges: [] };
const manifest = {
  manifestVersion: 1,
  id: 'core/flow',
  version: '1.0.0',
  title: 'T',
  description: '',
  license: 'X',
  engine: '*',
  runtime: 'isolate',
  entry: 'plugin.js',
  permissions: [permission],
  provides: [],
  nodes: [],
};

test.each([
  ['BlobHandle', contract.BlobHandle, blob, { ...blob, $blob: '../x' }],
  ['Permission', contract.Permission, permission, { ...permission, capability: 'fs.all' }],
  ['Manifest', contract.Manifest, manifest, { ...manifest, id: 'Core/Flow' }],
  ['Manifest', contract.Manifest, manifest, { ...manifest, extra: 1 }],
  ['WorkflowDocument', contract.WorkflowDocument, workflow, { ...workflow, edges: [['a.b']] }],
  [
    'HubEvent',
    contract.HubEvent,
    { type: 'plugin.removed', at: 1, plugin: 'core/flow' },
    { type: 'plugin.removed', at: 1 },
  ],
  ['HostFrame', contract.HostFrame, { t: 'hello', pid: 1 }, { t: 'hello', pid: 1, more: 1 }],
  ['HubFrame', contract.HubFrame, { t: 'cancel', id: 1 }, { t: 'cancel', id: 0 }],
] as const)('%s accepts what fits and refuses what does not', (_name, schema, good, bad) => {
  expect(accepts(schema, good)).toBe(true);
  expect(accepts(schema, bad)).toBe(false);
});

test('types and schemas agree', () => {
  expectTypeOf<Static<typeof contract.Manifest>>().toEqualTypeOf<contract.Manifest>();
  expectTypeOf<contract.Permission['capability']>().toEqualTypeOf<contract.CapabilityName>();
  expectTypeOf<contract.Manifest['id']>().toEqualTypeOf<contract.PluginId>();
  expectTypeOf<contract.NodeType['effect']>().toEqualTypeOf<contract.Effect>();
  expectTypeOf<contract.BlobHandle>().toEqualTypeOf<{
    $blob: string;
    mime: string;
    sizeBytes: number;
    sha256: string;
  }>();
  expectTypeOf<Extract<contract.HubEvent, { type: 'capability.used' }>>().toEqualTypeOf<{
    type: 'capability.used';
    at: number;
    plugin: contract.PluginId;
    need: string;
    operation: string;
    allowed: boolean;
    run?: contract.RunId;
  }>();
});

/** Data that has every field any row of the table reads. */
const anyData = new Proxy(
  {},
  {
    get: (_target, name) =>
      name === 'problems' ? [{ at: '/', message: 'm', cure: 'c' }] : `${String(name)}`,
  },
);

// SAFETY: the table's keys are the codes.
test.each(Object.keys(ERROR_TABLE) as ErrorCode[])('%s builds, and says what to do', (code) => {
  const error = new HubError(code, anyData as never);
  expect(error.message.length).toBeGreaterThan(0);
  expect(error.message).not.toContain('undefined');
  expect(error.cure.length).toBeGreaterThan(0);
  expect(ERROR_TABLE[code].status).toBeGreaterThanOrEqual(400);
  expect(HubError.is(error, code)).toBe(true);
});

test('an error survives a boundary; an unknown code becomes STEP_FAILED', () => {
  const error = new HubError('CAPABILITY_DENIED', { plugin: 'core/flow', need: 'log:*' });
  const report: contract.ErrorReport = JSON.parse(JSON.stringify(reportOf(error)));
  expect(accepts(contract.ErrorReport, report)).toBe(true);
  expect(errorOf(report)).toMatchObject({ code: error.code, message: error.message });
  expect(errorOf({ ...report, code: 'constructor' }).code).toBe('STEP_FAILED');
  expect(errorOf({ ...report, code: 'WORKFLOW_INVALID', data: null }).code).toBe('STEP_FAILED');
  expect(reportOf(new Error('x')).code).toBe('STEP_FAILED');
});

const numbers = fc.integer({ min: -32_768, max: 32_767 });
const extents = fc.integer({ min: 1, max: 32_768 });
const regions = fc
  .tuple(numbers, numbers, extents, extents)
  .map((sides) => `region=${sides.join(',')}`);
const titles = fc.stringMatching(/^[\w :;=.-]{1,60}$/u).filter((it) => !/;rate=/u.test(it));
const targets = fc.oneof(
  fc.constant('*'),
  regions,
  titles.map((it) => `window=${it}`),
);
const rates = fc.integer({ min: 1, max: 100_000 }).map((it) => it / 10);

test('the text of a capability parses back to itself', () => {
  const needs = fc.record(
    { capability: fc.constantFrom(...CAPABILITY_NAMES), target: targets, ratePerSecond: rates },
    { requiredKeys: ['capability', 'target'] },
  );
  fc.assert(
    fc.property(needs, ({ capability, target, ratePerSecond }) => {
      const need = {
        capability,
        target,
        ...(ratePerSecond === undefined ? {} : { ratePerSecond }),
      };
      expect(parseCapability(capabilityText(need))).toEqual(need);
    }),
  );
});

const held = (text: string) => {
  const need = parseCapability(text);
  if (need === null || !isTarget(need)) throw new Error(`${text} is no permission`);
  return need;
};

test('a target covers itself, and all covers everything', () => {
  fc.assert(
    fc.property(targets, (target) => {
      const need = { capability: 'screen.capture', target } as const;
      return isTarget(need) && covers(need, need) && covers({ ...need, target: '*' }, need);
    }),
  );
  expect(covers(held('clock:*'), held('random:*'))).toBe(false);
});

test.each([
  ['region=0,0,10,10', 'region=0,0,10,10', true],
  ['region=0,0,10,10', 'region=9,9,1,1', true],
  ['region=0,0,10,10', 'region=9,9,2,1', false],
  ['region=0,0,10,10', 'region=-1,0,5,5', false],
  ['region=0,0,10,10', '*', false],
  ['window=Queue*', 'window=Queue monitor', true],
  ['window=Queue', 'window=Queue*', false],
  ['window=Queue*', 'window=Que', false],
])('an area %s covers %s: %s', (outer, inner, yes) => {
  const area = (target: string) => held(`screen.capture:${target}`);
  expect(covers(area(outer), area(inner))).toBe(yes);
});

test.each([
  ['net.http:*.example.com', 'net.http:a.example.com', true],
  ['net.http:*.example.com', 'net.http:*.a.example.com', true],
  ['net.http:*.example.com', 'net.http:example.com', false],
  ['net.http:*.example.com', 'net.http:evilexample.com', false],
  ['net.http:*.example.com', 'net.http:a.example.com:8443', false],
  ['net.http:*.example.com', 'net.http:http://a.example.com', false],
  ['net.http:http://*.example.com:81', 'net.http:http://a.example.com:81', true],
  ['net.http:example.com', 'net.http:*.example.com', false],
  ['net.http:example.com', 'fs.read:*', false],
  ['fs.read:/a/**', 'fs.read:/a', true],
  ['fs.read:/a/**', 'fs.read:/a/b/c', true],
  ['fs.read:/a/**', 'fs.read:/a/b/**', true],
  ['fs.read:/a/**', 'fs.read:/ab', false],
  ['fs.read:/a/**', 'fs.write:/a/b', false],
  ['fs.read:/a/*', 'fs.read:/a/b', true],
  ['fs.read:/a/*', 'fs.read:/a/b/c', false],
  ['fs.read:/a/*', 'fs.read:/a/**', false],
  ['fs.read:/a/*', 'fs.read:/a', false],
  ['fs.read:~/**', 'fs.read:~/x', true],
  ['fs.read:/**', 'fs.read:~/x', false],
  ['process.run:/usr/bin/git', 'process.run:/usr/bin/git', true],
  ['process.run:/usr/bin/git', 'process.run:/usr/bin/gitk', false],
  ['secrets.use:mail@*.example.com', 'secrets.use:mail@smtp.example.com', true],
  ['secrets.use:mail@smtp.example.com', 'secrets.use:bank@smtp.example.com', false],
  ['secrets.use:mail@smtp.example.com', 'secrets.use:mail@evil.com', false],
])('%s covers %s: %s', (outer, inner, yes) => {
  expect(covers(held(outer), held(inner))).toBe(yes);
  expect(overlaps(held(outer), held(inner))).toBe(yes || covers(held(inner), held(outer)));
});

test.each([
  ['net.http', 'https://example.com'],
  ['net.http', 'EXAMPLE.com'],
  ['net.http', 'user@example.com'],
  ['net.http', 'exam*ple.com'],
  ['fs.read', '/a/../b'],
  ['fs.read', '/a//b'],
  ['fs.read', 'a/b'],
  ['fs.read', '/a\0b'],
  ['fs.read', '//server/share'],
  ['process.run', 'git'],
  ['secrets.use', 'mail'],
  ['secrets.use', 'mail@a@b'],
  ['secrets.use', '*@example.com'],
  ['log', 'x'],
] as const)('%s has no target %s', (capability, target) => {
  expect(isTarget({ capability, target })).toBe(false);
});

test.each([
  ['https://API.example.com./x?y#z', 'api.example.com'],
  ['https://example.com:443/', 'example.com'],
  ['https://example.com:8443/', 'example.com:8443'],
  ['http://example.com:80/', 'http://example.com'],
  ['http://0x7f.1:3000/', 'http://127.0.0.1:3000'],
  ['http://2130706433/', 'http://127.0.0.1'],
  ['http://①②⑦.⓪.⓪.①/', 'http://127.0.0.1'],
  ['https://[::FFFF:127.0.0.1]/', '[::ffff:7f00:1]'],
  ['https://ехаmple.com/', 'xn--mple-43d3a6i.com'],
])('a request to %s needs net.http:%s', (url, target) => {
  const [need] = needsOf('net.http', { method: 'GET', url });
  expect(need?.target).toBe(target);
});

test.each([
  'ftp://example.com',
  'https://user:pw@example.com',
  'example.com',
  'file:///etc/passwd',
])('a request to %s cannot be granted', (url) => {
  expect(() => needsOf('net.http', { method: 'GET', url })).toThrow(
    expect.objectContaining({ code: 'STEP_INPUT_INVALID' }),
  );
});

test('what a use needs includes each secret at its destination, and both ends of a move', () => {
  const headers = { authorization: { $secret: 'mail', prefix: 'Bearer ' } };
  const url = 'https://smtp.example.com/send';
  expect(needsOf('net.http', { method: 'POST', url, headers })).toEqual([
    { capability: 'net.http', target: 'smtp.example.com' },
    { capability: 'secrets.use', target: 'mail@smtp.example.com' },
  ]);
  expect(needsOf('fs.write', { path: '~/a', to: '/b' })).toEqual([
    { capability: 'fs.write', target: '~/a' },
    { capability: 'fs.write', target: '/b' },
  ]);
  for (const path of ['/a/../b', '/a/*', '~/**', '*', 'a'])
    expect(() => needsOf('fs.read', { path })).toThrow(/cannot be granted/u);
});
