import { expect, test } from 'vitest';
import { HubError, type JsonObject, type StepValues } from '@runtime-hub/plugin-sdk/contract';
import { journalMemory } from '../../support/journal-memory.ts';
import { hubLife, type Answer } from './hub-life.ts';
import { installed, ok, sourceOf, typeOf, workflowOf } from './sketch.ts';

const number = { type: 'number' };
const plugins = sourceOf(
  installed([
    typeOf('give'),
    typeOf('take', {
      config: { type: 'object', properties: { limit: number } },
      inputs: { n: number, in: {}, other: {}, toString: {} },
      optionalInputs: ['n', 'in', 'other', 'toString'],
      outputs: { out: {}, toString: {} },
    }),
    typeOf('merge', { join: 'any' }),
    typeOf('trigger', { kind: 'trigger', inputs: {}, optionalInputs: [] }),
  ]),
);

/** Runs a workflow whose steps give `outputs`; resolves with what each step was given and how the run ended. */
async function givenIn(
  workflow: ReturnType<typeof workflowOf>,
  outputs: Readonly<Record<string, JsonObject>> = {},
  trigger: { readonly node: string; readonly outputs: JsonObject } | null = null,
) {
  const given: Record<string, StepValues> = {};
  const answer: Answer = (node, request) => {
    given[node] = request.values[node] ?? {};
    return ok(node, (Object.hasOwn(outputs, node) ? outputs[node] : null) ?? { out: node });
  };
  const life = hubLife(journalMemory(), { answer, plugins });
  const { finished } = await life.engine.start(workflow, { trigger });
  const { status, error } = await finished;
  return { given, status, error };
}

test('a step gets what its edges brought, its own values where none does, and its config', async () => {
  const take = { type: 'take', config: { limit: 3 }, inputs: { in: 'own', n: 5 } };
  const { given, status } = await givenIn(
    workflowOf({ a: 'give', b: take }, ['a.out b.in', 'a b']),
  );
  expect(status).toBe('succeeded');
  expect(given['b']).toEqual({ config: { limit: 3 }, inputs: { in: 'a', n: 5 }, attempt: 1 });
});

test('an output is kept until the last of those that read it has had it', async () => {
  const nodes = { a: 'give', b: 'take', c: 'take', d: 'take' };
  const edges = ['a.out b.in', 'a.out c.in', 'b.out d.in'];
  const late = { ...nodes, e: { type: 'take', inputs: { in: { $cel: 'steps.a.out' } } } };
  const { given } = await givenIn(workflowOf(late, [...edges, 'd e'], { maxParallelSteps: 1 }));
  expect(given['c']?.inputs).toEqual({ in: 'a' });
  expect(given['e']?.inputs).toEqual({ in: 'a' });
});

test('a merge gets the value of the branch that ran', async () => {
  const nodes = { a: 'give', left: 'take', right: 'take', both: 'merge' };
  const edges = ['a.yes left.in', 'a.no right.in', 'left.out both.in', 'right.out both.in'];
  const { given } = await givenIn(workflowOf(nodes, edges), { a: { no: 1 } });
  expect(given['both']?.inputs).toEqual({ in: 'right' });
  expect(given['left']).toBeUndefined();
});

test('of two values to one port the first edge’s counts, in whatever order they came', async () => {
  const nodes = { a: 'give', b: 'give', slow: 'give', both: 'merge' };
  const edges = ['a slow', 'slow.out both.in', 'b.out both.in'];
  const { given } = await givenIn(workflowOf(nodes, edges));
  expect(given['both']?.inputs).toEqual({ in: 'slow' });
});

test('an error port brings the error’s code and text', async () => {
  const take = { type: 'take', config: { limit: { $cel: '"many"' } } };
  const { given, status } = await givenIn(workflowOf({ a: take, b: 'give' }, ['a.error b.in']));
  expect(status).toBe('succeeded');
  expect(given['a']).toBeUndefined();
  expect(given['b']?.inputs).toEqual({
    in: expect.objectContaining({ code: 'STEP_INPUT_INVALID', retryable: false }) as unknown,
  });
});

test('an expression sees inputs, steps, the trigger and the run, each node its own', async () => {
  const config = { $cel: '[inputs.other, steps.a.out, trigger.path, run.id]' };
  const nodes = { t: 'trigger', a: 'give', b: { type: 'give', config: { all: config } } };
  const trigger = { node: 't', outputs: { path: 'x.txt' } };
  const { given } = await givenIn(workflowOf(nodes, ['t a', 'a.out b.other']), {}, trigger);
  expect(given['b']?.config).toEqual({ all: ['a', 'a', 'x.txt', 'run-00000001'] });
});

test('a value of the wrong type, brought or computed or given, fails the step before it begins', async () => {
  const cases = [
    workflowOf({ a: 'give', b: 'take' }, ['a.out b.n']),
    workflowOf({ a: 'give', b: { type: 'take', inputs: { n: { $cel: 'steps.a.out' } } } }, ['a b']),
    workflowOf({ b: { type: 'take', config: { limit: { $cel: '"x"' } } } }),
  ];
  for (const workflow of cases) {
    const { given, error } = await givenIn(workflow);
    expect(given['b']).toBeUndefined();
    expect(error?.code).toBe('STEP_INPUT_INVALID');
    expect(error?.message).toMatch(/\/(?:inputs\/n|config\/limit): must be number/u);
  }
});

test('a failed expression fails its step with the place, and with no value in the text', async () => {
  const config = { limit: { $cel: 'inputs.other + 1' } };
  const workflow = workflowOf({ a: 'give', b: { type: 'take', config } }, ['a.out b.other']);
  const { error } = await givenIn(workflow, { a: { out: 'sesame' } });
  expect(error?.code).toBe('STEP_EXPRESSION_FAILED');
  expect(error?.message).toContain('/config/limit');
  expect(JSON.stringify(error)).not.toContain('sesame');
});

test('names that objects inherit travel like any other, as node, port and key', async () => {
  // SAFETY: JSON made here.
  const config = JSON.parse('{"__proto__": {"limit": "x"}, "constructor": 1}') as JsonObject;
  const nodes = {
    constructor: 'take',
    valueOf: { type: 'take', config, inputs: { in: { $cel: 'steps.constructor.out' } } },
  };
  const edges = ['constructor.toString valueOf.toString'];
  const { given, status } = await givenIn(workflowOf(nodes, edges), {
    constructor: { out: 1, toString: 'mine' },
  });
  expect(status).toBe('succeeded');
  expect(given['valueOf']?.inputs).toEqual({ in: 1, toString: 'mine' });
  expect(JSON.stringify(given['valueOf']?.config)).toBe(JSON.stringify(config));
});

test('a workflow with problems is not started', async () => {
  const life = hubLife(journalMemory(), { plugins });
  const start = life.engine.start(workflowOf({ a: 'take' }, ['a a']));
  await expect(start).rejects.toSatisfy((error) => HubError.is(error, 'WORKFLOW_INVALID'));
  expect(life.events).toEqual([]);
});
