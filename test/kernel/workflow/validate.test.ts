import { expect, test } from 'vitest';
import type { WorkflowDocument } from '@runtime-hub/plugin-sdk/contract';
import { validateWorkflow } from '../../../kernel/workflow/validate-workflow.ts';
import { PLUGIN, installed, sourceOf, typeOf, workflowOf } from '../run/sketch.ts';

const number = { type: 'number' };
const plugins = sourceOf(
  installed([
    typeOf('free'),
    typeOf('strict', {
      config: {
        type: 'object',
        properties: { limit: number, deep: { type: 'object', properties: { a: number } } },
        required: ['limit'],
        additionalProperties: false,
      },
      inputs: { n: number, m: number },
      optionalInputs: ['m'],
      outputs: { n: number },
    }),
    typeOf('merge', { join: 'any' }),
    typeOf('trigger', { kind: 'trigger', inputs: {}, optionalInputs: [] }),
    typeOf('odd', {
      inputs: { constructor: {}, toString: {} },
      outputs: { valueOf: {}, constructor: {} },
      optionalInputs: ['toString'],
    }),
  ]),
);

const problemsOf = (document: WorkflowDocument): readonly (readonly [string, string])[] =>
  validateWorkflow(document, plugins).map(({ at, message }) => [at, message]);
const checked = (...sketch: Parameters<typeof workflowOf>) => problemsOf(workflowOf(...sketch));

const strict = { type: 'strict', config: { limit: 1 } };

test('a workflow that fits the installed plugins has no problems', () => {
  const edges = ['t.out a.in', 'a.out b.n', 'b.n c.in', 'a.error c.in', 'b c'];
  expect(checked({ t: 'trigger', a: 'free', b: strict, c: 'merge' }, edges)).toEqual([]);
  expect(checked({})).toEqual([]);
});

test('every problem is told at once, each with its place and a cure', () => {
  const document = workflowOf(
    {
      a: 'free',
      b: 'missing',
      c: 'other/plugin:node',
      d: { type: 'strict', config: { limit: 'x', deep: { a: 'y' }, more: 1 } },
      e: { ...strict, inputs: { n: { $cel: '1 +' } } },
      t: 'trigger',
    },
    ['a.nope d.n', 'ghost.out a.in', 'a.out a.nope', 'a.out t.run', 'a.x.y a.in', 'a.out d.n'],
  );
  const pins = { [PLUGIN]: { version: '2.0.0' } };
  const problems = validateWorkflow({ ...document, plugins: pins }, plugins);
  expect(problems.map(({ at }) => at)).toEqual([
    `/plugins/${PLUGIN}`,
    '/edges/0/0',
    '/edges/1/0',
    '/edges/2/1',
    '/edges/3/1',
    '/edges/4/0',
    '/nodes/a/inputs/in',
    '/nodes/b',
    '/nodes/c',
    '/nodes/d/inputs/n',
    '/nodes/d/config/more',
    '/nodes/d/config/limit',
    '/nodes/d/config/deep/a',
    '/nodes/e/inputs/n',
    '/edges',
  ]);
  for (const problem of problems) {
    expect(problem.message).not.toBe('');
    expect(problem.cure).not.toBe('');
  }
});

test('an edge names a node of the workflow and a port of its type, and the cure lists the ports', () => {
  const document = workflowOf({ a: 'free', b: strict }, ['a.outt b.n', 'b.n a.inn', 'a.error b.n']);
  const [out, into] = validateWorkflow(document, plugins);
  expect(out).toEqual({
    at: '/edges/0/0',
    message: 'a has no port “outt”',
    cure: 'Use one of: out, yes, no, done, error.',
  });
  expect(into).toEqual({
    at: '/edges/1/1',
    message: 'a has no port “inn”',
    cure: 'Use one of: in, other, run.',
  });
});

test('the implicit ports have a side: done and error go out, run comes in', () => {
  expect(checked({ a: 'free', b: 'free' }, ['a.run b.run', 'a.done b.done'])).toEqual([
    ['/edges/0/0', 'a has no port “run”'],
    ['/edges/1/1', 'b has no port “done”'],
  ]);
});

test('an input needs an edge or a value unless it is optional or its node is disabled', () => {
  expect(checked({ a: strict })).toEqual([['/nodes/a/inputs/n', 'is missing']]);
  expect(checked({ a: { ...strict, inputs: { n: 1 } } })).toEqual([]);
  expect(checked({ a: { ...strict, inputs: { n: { $cel: '1 + 1' } } } })).toEqual([]);
  expect(checked({ a: { ...strict, disabled: true } })).toEqual([]);
});

test('two edges to one port are refused, also two equal ones, except where a node joins any', () => {
  const twice = ['a.out b.n', 'a.out b.n'];
  const tooMany = [['/nodes/b/inputs/n', 'more than one edge arrives here']];
  expect(checked({ a: 'free', b: strict }, twice)).toEqual(tooMany);
  expect(checked({ a: 'free', b: strict }, ['a.out b.n', 'a.yes b.n'])).toEqual(tooMany);
  expect(checked({ a: 'free', b: 'merge' }, ['a.yes b.in', 'a.no b.in'])).toEqual([]);
  expect(checked({ a: 'free', b: 'free' }, ['a b', 'a b'])).toEqual([]);
});

test('a cycle is found wherever it is, also of one node, and the nodes on it are named', () => {
  const nodes = { a: 'free', b: 'free', c: 'free', d: 'free' };
  const message = (names: string): readonly (readonly [string, string])[] => [
    ['/edges', `a cycle goes through or leads to ${names}`],
  ];
  expect(checked(nodes, ['a a'])).toEqual(message('a'));
  expect(checked(nodes, ['a b', 'b c', 'c b', 'c d'])).toEqual(message('b, c, d'));
  expect(checked(nodes, ['a b', 'b c', 'a c', 'c d', 'a d'])).toEqual([]);
});

test('a long list of nodes on a cycle is cut', () => {
  const names = Array.from({ length: 100 }, (_, i) => `n${String(i)}`);
  const edges = names.map((name, i) => `${name} ${names[(i + 1) % names.length] ?? ''}`);
  const [problem] = checked(Object.fromEntries(names.map((name) => [name, 'free'])), edges);
  expect(problem?.[1]).toContain('n19');
  expect(problem?.[1]).not.toContain('n20');
});

test('config is checked by its schema, except where it is computed', () => {
  expect(checked({ a: { type: 'strict', inputs: { n: 1 } } })).toEqual([
    ['/nodes/a/config', "must have required property 'limit'"],
  ]);
  const computed = { limit: { $cel: 'trigger.n' }, deep: { a: { $cel: 'run.id' } } };
  expect(checked({ a: { type: 'strict', config: computed, inputs: { n: 1 } } })).toEqual([]);
  const half = { limit: { $cel: 'trigger.n' }, deep: { a: 'x' } };
  expect(checked({ a: { type: 'strict', config: half, inputs: { n: 1 } } })).toEqual([
    ['/nodes/a/config/deep/a', 'must be number'],
  ]);
});

test('an expression that cannot be parsed or is too long is named where it stands, however deep', () => {
  const config = { a: [{ b: { $cel: 'inputs..n' } }], c: { $cel: `1${'+1'.repeat(1000)}` } };
  const problems = checked({ a: { type: 'free', config } });
  expect(problems.map(([at]) => at)).toEqual(
    expect.arrayContaining(['/nodes/a/config/a/0/b', '/nodes/a/config/c']),
  );
  expect(problems).toHaveLength(2);
});

test('a pin to another version or another digest is a problem, a pin to what is installed is none', () => {
  const nodes = workflowOf({ a: 'free' });
  const at = `/plugins/${PLUGIN}`;
  const pinned = (pin: { version: string; digest?: string }) =>
    problemsOf({ ...nodes, plugins: { [PLUGIN]: pin } });
  expect(pinned({ version: '1.0.0' })).toEqual([]);
  expect(pinned({ version: '1.0.1' })).toEqual([[at, 'wants 1.0.1, installed is 1.0.0']]);
  const digest = `sha512-${'1'.repeat(128)}`;
  const message = 'wants 1.0.0, installed is 1.0.0 with another digest';
  expect(pinned({ version: '1.0.0', digest })).toEqual([[at, message]]);
});

test('names that objects inherit are names like any other', () => {
  const odd = { constructor: 'odd', toString: 'free', hasOwnProperty: 'free' };
  expect(checked(odd, ['toString.out constructor.constructor'])).toEqual([]);
  expect(checked({ constructor: 'odd', a: 'free' })).toEqual([
    ['/nodes/constructor/inputs/constructor', 'is missing'],
  ]);
});

test('what an object only inherits is neither a node nor a port', () => {
  const edges = ['constructor.out a.in', 'a.toString a.constructor', 'a.__proto__ __proto__.in'];
  expect(checked({ a: 'free' }, edges).slice(0, 5)).toEqual([
    ['/edges/0/0', 'there is no node “constructor”'],
    ['/edges/1/0', 'a has no port “toString”'],
    ['/edges/1/1', 'a has no port “constructor”'],
    ['/edges/2/0', 'a has no port “__proto__”'],
    ['/edges/2/1', 'there is no node “__proto__”'],
  ]);
});

test('a config key named __proto__ is data: checked, and nothing inherits from it', () => {
  // SAFETY: JSON made here.
  const config = JSON.parse('{"limit": 1, "__proto__": {"limit": "x"}}') as { limit: number };
  expect(checked({ a: { type: 'strict', config, inputs: { n: 1 } } })).toEqual([
    ['/nodes/a/config/__proto__', 'must NOT have additional properties'],
  ]);
  expect({}).not.toHaveProperty('limit');
});

test('a chain of 50,000 nodes is checked; one more edge makes it a cycle that is found', () => {
  const count = 50_000;
  const name = (i: number): string => `n${String(i % count)}`;
  const nodes = Object.fromEntries(Array.from({ length: count }, (_, i) => [name(i), 'free']));
  const edges = Array.from({ length: count }, (_, i) => `${name(i)}.out ${name(i + 1)}.in`);
  expect(checked(nodes, edges.slice(0, -1))).toEqual([]);
  expect(checked(nodes, edges).map(([at]) => at)).toEqual(['/edges']);
});

test('an expression that reads a node that is not there, or stands in a trigger, is a problem', () => {
  const reading = (name: string) => ({
    type: 'free',
    inputs: { in: { $cel: `steps.${name}.out` } },
  });
  expect(checked({ a: 'free', b: reading('a') })).toEqual([]);
  expect(checked({ a: 'free', b: reading('gone') })).toEqual([
    ['/nodes/b/inputs/in', 'there is no node “gone”'],
  ]);
  expect(checked({ a: { type: 'trigger', config: { limit: { $cel: '1 + 1' } } } })).toEqual([
    ['/nodes/a/config/limit', 'a trigger computes nothing'],
  ]);
});
