import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Json } from '@runtime-hub/plugin-sdk/contract';
import { openHub, type Hub } from '../../../studio/server/hub.ts';
import { eventOf, installBuiltIns, temporaryFolder } from '../../support/hub.ts';

const folder = temporaryFolder('data');
let hub: Hub;

beforeAll(async () => {
  hub = await openHub({ folder: folder.path });
  await installBuiltIns(hub, ['core/data']);
});

afterAll(async () => {
  await hub[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

/** The outputs of one node of the signed plugin, run in its isolate; rejects with the error's report. */
async function run(type: string, config: Record<string, Json>, inputs: Record<string, Json>) {
  const { run: id, finished } = await hub.engine.start({
    format: 'runtime-hub/workflow@1',
    name: 'Data',
    nodes: { only: { type: `core/data:${type}`, config, inputs } },
    edges: [],
  });
  const { error } = await finished;
  if (error !== null) throw Object.assign(new Error(error.message), { code: error.code });
  const done = await eventOf(hub, 'step.finished', (event) => event.run === id);
  return done.outputs;
}

const numbers = (count: number): Json => Array.from({ length: count }, (_, n) => ({ n }));

test.each([
  ['map', { expression: 'item.n * 2 + index' }, { items: numbers(3) }, { items: [0, 3, 6] }],
  ['filter', { when: 'item.n > 0' }, { items: numbers(2) }, { items: [{ n: 1 }] }],
  ['transform', { expression: '$sum(n)' }, { value: numbers(4) }, { value: 6 }],
  ['parse-csv', {}, { text: 'a,b\n1,é' }, { rows: [{ a: '1', b: 'é' }] }],
  ['to-csv', {}, { rows: [{ a: '=1' }] }, { text: "a\r\n'=1\r\n" }],
  ['parse-json', {}, { text: '{"a":[1]}' }, { value: { a: [1] } }],
  ['to-json', { indent: 1 }, { value: [1] }, { text: '[\n 1\n]' }],
  ['pick', { keys: ['n'] }, { value: { n: 1, m: 2 } }, { value: { n: 1 } }],
  [
    'merge',
    { deep: true },
    { a: { x: { p: 1 } }, b: { x: { q: 2 } } },
    { value: { x: { p: 1, q: 2 } } },
  ],
  ['sort', { key: 'n', descending: true }, { items: numbers(2) }, { items: [{ n: 1 }, { n: 0 }] }],
  ['group', { key: 'n' }, { items: numbers(1) }, { groups: [{ key: 0, count: 1 }] }],
])('%s works in its isolate', async (type, config, inputs, outputs) => {
  expect(await run(type, config, inputs)).toMatchObject(outputs);
});

test('work that takes longer than one entry may is done in many', { timeout: 60_000 }, async () => {
  const list = `[${Array.from({ length: 30 }, (_, n) => n).join(', ')}]`;
  // About a millisecond an item.
  const expression = `index + size(${list}.filter(a, ${list}.exists(b, b == a)))`;
  const work = async (count: number) => await run('map', { expression }, { items: numbers(count) });
  expect(await work(400)).toEqual({ items: Array.from({ length: 400 }, (_, n) => n + 30) });
  const together = await Promise.all([work(100), work(100), work(100), work(100)]);
  expect(together).toHaveLength(4);
});

test.each([
  ['parse-json', {}, { text: '['.repeat(400_000) }, 'STEP_INPUT_INVALID'],
  ['parse-json', {}, { text: '{"__proto__":1}' }, 'STEP_INPUT_INVALID'],
  ['parse-csv', {}, { text: 'a\n"' }, 'STEP_INPUT_INVALID'],
  ['map', { expression: 'item.constructor' }, { items: [{}] }, 'STEP_EXPRESSION_FAILED'],
  ['transform', { expression: '{"__proto__":1}' }, { value: 1 }, 'STEP_INPUT_INVALID'],
  ['transform', { expression: '$now()' }, { value: 1 }, 'STEP_EXPRESSION_FAILED'],
  [
    'transform',
    { expression: '($f := function($n) { 1 + $f($n) }; $f(1))' },
    { value: 1 },
    'STEP_EXPRESSION_FAILED',
  ],
])(
  'a hostile %s fails its own step and leaves the host alive: %#',
  async (type, config, inputs, code) => {
    await run('to-json', {}, { value: 1 });
    const before = (await hub.pool.stats()).hosts.map(({ pid }) => pid);
    await expect(run(type, config, inputs)).rejects.toMatchObject({ code });
    expect((await hub.pool.stats()).hosts.map(({ pid }) => pid)).toEqual(before);
  },
);

test('an endless pattern is ended, and the next step gets a new host', async () => {
  const text = `${'a'.repeat(60)}!`;
  const endless = run('transform', { expression: '$match($, /(a+)+$/)' }, { value: text });
  await expect(endless).rejects.toMatchObject({ code: 'STEP_TIMED_OUT' });
  expect(await run('to-json', {}, { value: 1 })).toEqual({ text: '1' });
});
