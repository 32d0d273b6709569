import { expect, test } from 'vitest';
import { runId, type Json, type JsonObject } from '@runtime-hub/plugin-sdk/contract';
import { compileExpression } from '@runtime-hub/plugin-sdk/expression';
import { retryDelay } from '../../../kernel/run/retry.ts';
import { parseWorkflow } from '../../../kernel/workflow/validate-workflow.ts';
import { validateWorkflow } from '../../../kernel/workflow/validate-workflow.ts';
import { journalMemory } from '../../support/journal-memory.ts';
import { hubLife } from '../run/hub-life.ts';
import { installed, planOf, sourceOf, typeOf, workflowOf } from '../run/sketch.ts';
import { broken } from '../run/trace.ts';

// ---- parse.test.ts
const parsed = (nodes: unknown) => () =>
  parseWorkflow({ format: 'runtime-hub/workflow@1', name: 'x', nodes, edges: [] });
test.for(['a.b', '', 'ä', '0a', '__proto__', 'x'.repeat(64)])(
  'a node cannot be named %o',
  (name) => {
    const nodes: unknown = JSON.parse(`{${JSON.stringify(name)}: {"type": "core/flow:if"}}`);
    expect(parsed(nodes)).toThrow(
      expect.objectContaining({
        code: 'WORKFLOW_INVALID',
        data: { problems: [expect.objectContaining({ at: `/nodes/${name}` })] },
      }),
    );
  },
);
test('a pin to what cannot be a plugin is refused', () => {
  expect(() =>
    parseWorkflow({
      format: 'runtime-hub/workflow@1',
      name: 'x',
      nodes: {},
      edges: [],
      plugins: { Bad: 1 },
    }),
  ).toThrow(expect.objectContaining({ code: 'WORKFLOW_INVALID' }));
});

// ---- expression.test.ts
const refusal = (text: string, inputs: JsonObject): string => {
  try {
    compileExpression(text)({ inputs, steps: {}, trigger: {}, run: {} });
    return 'none';
  } catch (error) {
    return error instanceof Error ? error.message : '';
  }
};
test.for([
  'int(inputs.s)',
  'inputs.m[inputs.s]',
  'inputs[inputs.s]',
  'timestamp(inputs.s)',
  'duration(inputs.s)',
  '{inputs.s: 1, inputs.s: 2}',
  '"a".matches("(" + inputs.s)',
  'bool(inputs.s)',
  'uint(inputs.s)',
])('the text of a refusal holds no value: %s', (text) => {
  const message = refusal(text, { s: 'sesame', m: {} });
  expect(message).not.toContain('sesame');
  expect(message).not.toBe('none');
});
test('what the author wrote is told: a missing name, a wrong type', () => {
  expect(refusal('inputs.nope', {})).toBe('field not found: nope');
  expect(refusal('inputs.s + 1', { s: 'x' })).toContain("'(string, int)'");
  expect(refusal('1 / 0', {})).toBe('int divide by zero');
});
test.for(['__proto__', 'constructor', 'toString', 'size(__proto__)', 'valueOf'])(
  'no name leads to an object’s prototype: %s',
  (text) => {
    expect(refusal(text, {})).toMatch(/unresolved attribute|overload/u);
  },
);

// ---- validate.test.ts
const number = { type: 'number' };
const plugins = sourceOf(
  installed([
    typeOf('num', {
      config: { type: 'object', properties: { 'a/b~': number } },
      inputs: { n: number },
      optionalInputs: ['n'],
    }),
  ]),
);
const placesOf = (node: { config?: Record<string, Json>; inputs?: Record<string, Json> }) =>
  validateWorkflow(workflowOf({ a: { type: 'num', ...node } }), plugins).map(({ at }) => at);
test('a computed value is not checked early, whatever its key', () => {
  expect(placesOf({ config: { 'a/b~': { $cel: '1' } } })).toEqual([]);
  expect(placesOf({ config: { 'a/b~': 'x' } })).toEqual(['/nodes/a/config/a~1b~0']);
});
test('a given input is checked: its name and its type', () => {
  expect(placesOf({ inputs: { n: 'x' } })).toEqual(['/nodes/a/inputs/n']);
  expect(placesOf({ inputs: { typo: 1 } })).toEqual(['/nodes/a/inputs/typo']);
  expect(placesOf({ inputs: { constructor: 1 } as never })).toEqual([
    '/nodes/a/inputs/constructor',
  ]);
  expect(placesOf({ inputs: { n: { $cel: '1' } } })).toEqual([]);
});

// ---- step-values.test.ts
test('a port that objects inherit brings nothing to a merge unless the step gave it', async () => {
  const odd = { outputs: { constructor: {}, yes: {} }, inputs: { in: {}, other: {} } };
  const source = sourceOf(installed([typeOf('odd', odd), typeOf('merge', { join: 'any' })]));
  const seen: Json[] = [];
  const life = hubLife(journalMemory(), {
    plugins: source,
    answer: (node, request) => {
      // SAFETY: values are JSON.
      if (node === 'b') seen.push(...(Object.keys(request.values['b']?.inputs ?? {}) as Json[]));
      return { node, ok: true, outputs: { yes: 1 }, ms: 0 };
    },
  });
  const edges = ['a.constructor b.in', 'a.yes b.other'];
  const { finished } = await life.engine.start(workflowOf({ a: 'odd', b: 'merge' }, edges));
  expect((await finished).status).toBe('succeeded');
  expect(seen).toEqual(['other']);
});

// ---- retry.test.ts
test('the waits of one step are independent of each other: all of them are short only rarely', () => {
  const [node] = planOf({
    shot: { type: 'idempotent', retry: { maxAttempts: 9, delayMs: 1000, maxDelayMs: 1000 } },
  }).nodes;
  if (node === undefined) throw new Error('no node');
  let short = 0;
  for (let i = 0; i < 2000; i += 1) {
    const run = runId(`run-${String(i).padStart(8, '0')}`);
    const waits = [1, 2, 3].map((attempt) => retryDelay(node, run, attempt, broken) ?? 0);
    if (Math.max(...waits) < 200) short += 1;
  }
  // 0.2³ of 2,000 is 16.
  expect(short).toBeLessThan(40);
});
