import fc from 'fast-check';
import { expect, test } from 'vitest';
import { HubError } from '@runtime-hub/plugin-sdk/contract';
import { parseWorkflow } from '../../../kernel/workflow/validate-workflow.ts';

const WORKFLOW = {
  format: 'runtime-hub/workflow@1',
  name: 'Sketch',
  description: 'all there is',
  plugins: { 'core/flow': { version: '1.0.0', digest: `sha512-${'0'.repeat(128)}` } },
  nodes: {
    a: {
      type: 'core/flow:if',
      title: 'A',
      config: { x: { $cel: '1' } },
      inputs: { in: null },
      timeoutMs: 1,
      retry: { maxAttempts: 1, delayMs: 0, maxDelayMs: 0 },
      disabled: false,
    },
  },
  edges: [['a.out', 'a.in']],
  settings: { maxParallelSteps: 1, onUnknown: 'ask', overlap: 'latest' },
  layout: { a: { x: 1.5, y: -2 } },
};

/** The places of all problems; empty when the value is a workflow. */
function placesOf(value: unknown): readonly string[] {
  try {
    parseWorkflow(value);
    return [];
  } catch (error) {
    if (!HubError.is(error, 'WORKFLOW_INVALID')) throw error;
    return error.data.problems.map((problem) => problem.at);
  }
}

test('a workflow that uses every field is passed through untouched', () => {
  const copy = structuredClone(WORKFLOW);
  expect(parseWorkflow(copy)).toBe(copy);
  expect(copy).toEqual(WORKFLOW);
});

test.for([null, undefined, 1, 'text', [], () => 1])('%o is no workflow', (value) => {
  expect(placesOf(value)).toEqual(['/']);
});

test('each field that must be there is missed', () => {
  for (const field of ['format', 'name', 'nodes', 'edges'] as const) {
    const { [field]: _, ...rest } = WORKFLOW;
    expect(() => parseWorkflow(rest)).toThrow(
      expect.objectContaining({
        code: 'WORKFLOW_INVALID',
        message: expect.stringContaining(`'${field}'`) as string,
      }),
    );
  }
});

test('every problem of a document is told at once, each at its field', () => {
  const node = {
    type: 'flow',
    title: 1,
    config: [],
    timeoutMs: 0,
    retry: { maxAttempts: 101, delayMs: -1, maxDelayMs: 1.5 },
    disabled: 'no',
  };
  const document = {
    ...WORKFLOW,
    format: 'runtime-hub/workflow@2',
    name: '',
    plugins: { 'core/flow': { version: '1', digest: 'md5' } },
    nodes: { a: node },
    edges: [['a.out'], 'a', ['a', 'b', 'c'], [1, 'x'.repeat(128)]],
    settings: { maxParallelSteps: 0, onUnknown: 'guess', overlap: 1 },
    layout: { a: { x: '1', y: 0 } },
  };
  expect(new Set(placesOf(document))).toEqual(
    new Set([
      '/format',
      '/name',
      '/plugins/core~1flow/version',
      '/plugins/core~1flow/digest',
      '/nodes/a/type',
      '/nodes/a/title',
      '/nodes/a/config',
      '/nodes/a/timeoutMs',
      '/nodes/a/retry/maxAttempts',
      '/nodes/a/retry/delayMs',
      '/nodes/a/retry/maxDelayMs',
      '/nodes/a/disabled',
      '/edges/0',
      '/edges/1',
      '/edges/2',
      '/edges/3/0',
      '/edges/3/1',
      '/settings/maxParallelSteps',
      '/settings/onUnknown',
      '/settings/overlap',
      '/layout/a/x',
    ]),
  );
});

test('a field nobody knows is refused at each level', () => {
  expect(placesOf({ ...WORKFLOW, extra: 1 })).toHaveLength(1);
  const node = { ...WORKFLOW.nodes.a, extra: 1 };
  expect(placesOf({ ...WORKFLOW, nodes: { a: node } })).toHaveLength(1);
  const settings = { ...WORKFLOW.settings, extra: 1 };
  expect(placesOf({ ...WORKFLOW, settings })).toHaveLength(1);
});

test('a document that has its fields only by inheritance is none', () => {
  const text = JSON.stringify({ x: WORKFLOW }).replace('"x"', '"__proto__"');
  expect(placesOf(JSON.parse(text))).not.toEqual([]);
});

test('a node named constructor is a node like any other, and is checked', () => {
  expect(placesOf({ ...WORKFLOW, nodes: { constructor: WORKFLOW.nodes.a } })).toEqual([]);
  expect(placesOf({ ...WORKFLOW, nodes: { constructor: {} } })).toEqual(['/nodes/constructor']);
});

test('whatever JSON comes, the answer is a workflow or the list of what is wrong with it', () => {
  const fields = fc.record(
    {
      format: fc.constantFrom('runtime-hub/workflow@1', 'x', null),
      name: fc.jsonValue(),
      nodes: fc.oneof(fc.jsonValue(), fc.dictionary(fc.string(), fc.jsonValue())),
      edges: fc.oneof(fc.jsonValue(), fc.array(fc.jsonValue())),
      settings: fc.jsonValue(),
      plugins: fc.jsonValue(),
    },
    { requiredKeys: [] },
  );
  const property = fc.property(fc.oneof(fields, fc.jsonValue()), (value) => {
    const before = JSON.stringify(value);
    expect(placesOf(value).every((at) => at.startsWith('/'))).toBe(true);
    expect(JSON.stringify(value)).toBe(before);
  });
  fc.assert(property, { numRuns: 500 });
});
