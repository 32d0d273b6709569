import { expect, test } from 'vitest';
import { pluginId } from '@runtime-hub/plugin-sdk/contract';
import {
  MAX_SEGMENT,
  planWorkflow,
  segmentFrom,
  segmentSteps,
  type Plan,
} from '../../../kernel/workflow/plan.ts';
import { installed, planOf, sourceOf, typeOf, workflowOf } from '../run/sketch.ts';

/** Each segment of a plan as `a+b+c`, in the order of its first nodes. */
function segmentsOf(plan: Plan): readonly string[] {
  const inner = new Set(plan.next);
  return plan.nodes.flatMap((_, i) =>
    inner.has(i)
      ? []
      : [
          segmentFrom(plan, i)
            .map((node) => plan.nodes[node]?.name)
            .join('+'),
        ],
  );
}

test('a plan knows each node by its index and each edge by both its ends', () => {
  const plan = planOf({ a: 'idempotent', b: 'external' }, ['a.out b.in', 'a b']);
  expect(plan.index).toEqual(
    new Map([
      ['a', 0],
      ['b', 1],
    ]),
  );
  expect([...plan.from]).toEqual([0, 0]);
  expect([...plan.to]).toEqual([1, 1]);
  expect(plan.ports).toEqual([
    ['out', 'in'],
    ['done', 'run'],
  ]);
  expect(plan.outgoing).toEqual([[0, 1], []]);
  expect(plan.incoming).toEqual([[], [0, 1]]);
});

test('a node says over its type how long it may take and how often it is tried', () => {
  const retry = { maxAttempts: 2, delayMs: 1, maxDelayMs: 1 };
  const plan = planOf({ a: 'idempotent', b: { type: 'idempotent', timeoutMs: 5, retry } });
  expect(plan.nodes.map((node) => node.timeoutMs)).toEqual([1000, 5]);
  expect(plan.nodes.map((node) => node.retry)).toEqual([null, retry]);
});

test('a workflow whose plugin or node type is missing is not planned', () => {
  const none = sourceOf();
  const missing = expect.objectContaining({
    code: 'PLUGIN_NOT_INSTALLED',
    data: { plugin: 'test/steps' },
  });
  expect(() => planWorkflow(workflowOf({ a: 'pure' }), none)).toThrow(missing);
  const empty = sourceOf(installed([]));
  expect(() => planWorkflow(workflowOf({ a: 'pure' }), empty)).toThrow(missing);
});

test('consecutive pure nodes of one plugin are one segment', () => {
  const edges = ['a.out b.in', 'b c', 'c.out d.in'];
  const plan = planOf({ a: 'pure', b: 'pure', c: 'pure', d: 'pure' }, edges);
  expect(segmentsOf(plan)).toEqual(['a+b+c+d']);
});

test('a segment ends where a node acts, asks, retries, forks, joins, is disabled or is read; one that asks may lead', () => {
  const retry = { maxAttempts: 2, delayMs: 1, maxDelayMs: 1 };
  const chain = ['a.out b.in', 'b.out c.in'];
  const around = (b: Parameters<typeof workflowOf>[0][string]): readonly string[] =>
    segmentsOf(planOf({ a: 'pure', b, c: 'pure' }, chain));
  expect(around('pure')).toEqual(['a+b+c']);
  for (const type of ['external', 'trigger']) expect(around(type)).toEqual(['a', 'b', 'c']);
  for (const type of ['idempotent', 'asking']) expect(around(type)).toEqual(['a', 'b+c']);
  expect(around({ type: 'pure', retry })).toEqual(['a', 'b', 'c']);
  expect(around({ type: 'pure', disabled: true })).toEqual(['a', 'b', 'c']);
  expect(around({ type: 'pure', config: { x: { $cel: '1' } } })).toEqual(['a', 'b+c']);
  const nodes = { a: 'pure', b: 'pure', c: 'pure' };
  expect(segmentsOf(planOf(nodes, ['a.out b.in', 'a.out c.in']))).toEqual(['a', 'b', 'c']);
  expect(segmentsOf(planOf(nodes, ['a.out c.in', 'b.out c.other']))).toEqual(['a', 'b', 'c']);
  expect(segmentsOf(planOf(nodes, ['a.error b.in', 'b c']))).toEqual(['a', 'b+c']);
  const reader = { type: 'idempotent', config: { x: { $cel: 'steps.a.out' } } };
  expect(segmentsOf(planOf({ ...nodes, reader }, chain))).toEqual(['a', 'b+c', 'reader']);
});

test('nodes of two plugins never travel together', () => {
  const other = installed([typeOf('pure', { effect: 'pure' })], pluginId('test/other'));
  const plugins = sourceOf(installed([typeOf('pure', { effect: 'pure' })]), other);
  const document = workflowOf({ a: 'pure', b: 'test/other:pure' }, ['a.out b.in']);
  expect(segmentsOf(planWorkflow(document, plugins))).toEqual(['a', 'b']);
});

test('an expression’s reads are the nodes it names, in either notation, and only those that exist', () => {
  const expression = 'steps.a.out + steps["b-1"].out + steps.ghost.out + inputs.steps';
  const plan = planOf({
    a: 'pure',
    'b-1': 'pure',
    c: { type: 'pure', inputs: { in: { $cel: expression } } },
  });
  expect(plan.nodes[2]?.bound).toBe(true);
  expect(plan.nodes[2]?.reads.toSorted()).toEqual([0, 1]);
  expect(plan.nodes[0]?.bound).toBe(false);
});

test('the steps of a segment name where each input comes from; what only orders brings nothing', () => {
  const sketch = { a: { type: 'pure', config: { x: 1 } }, b: 'pure', c: 'pure' };
  const plan = planOf(sketch, ['a.out b.in', 'b c']);
  const steps = segmentSteps(plan, segmentFrom(plan, 0));
  expect(steps).toEqual([
    { node: 'a', type: 'pure', config: { x: 1 }, inputs: {}, links: {} },
    { node: 'b', type: 'pure', config: {}, inputs: {}, links: { in: { from: 'a', port: 'out' } } },
    { node: 'c', type: 'pure', config: {}, inputs: {}, links: {} },
  ]);
  expect(segmentSteps(plan, segmentFrom(plan, 0))).toBe(steps);
});

test('the steps of a bound node hold no expressions: its values travel apart', () => {
  const plan = planOf({ a: { type: 'pure', config: { x: { $cel: '1' } }, inputs: { in: 2 } } });
  expect(segmentSteps(plan, [0])).toEqual([
    { node: 'a', type: 'pure', config: {}, inputs: {}, links: {} },
  ]);
});

test('names that objects inherit are planned like any other', () => {
  const plan = planOf({ constructor: 'pure', toString: 'pure', valueOf: 'pure' }, [
    'constructor.out toString.in',
    'toString valueOf',
  ]);
  expect(segmentsOf(plan)).toEqual(['constructor+toString+valueOf']);
  const links = segmentSteps(plan, [0, 1, 2]).map((step) => step.links);
  expect(links).toEqual([{}, { in: { from: 'constructor', port: 'out' } }, {}]);
});

test('a chain of 50,000 pure nodes is planned, in segments of bounded length that cover it once', () => {
  const count = 50_000;
  const name = (i: number): string => `n${String(i)}`;
  const plan = planOf(
    Object.fromEntries(Array.from({ length: count }, (_, i) => [name(i), 'pure'])),
    Array.from({ length: count - 1 }, (_, i) => `${name(i)}.out ${name(i + 1)}.in`),
  );
  const covered: number[] = [];
  while (covered.length < count) {
    const members = segmentFrom(plan, covered.length);
    if (members.length > MAX_SEGMENT) expect(members).toHaveLength(MAX_SEGMENT);
    covered.push(...members);
  }
  expect(covered).toHaveLength(count);
  expect(covered.every((node, i) => node === i)).toBe(true);
});
