import { HubError, pluginId, type Json, type NodeType } from '@runtime-hub/plugin-sdk/contract';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { planWorkflow } from '../../../kernel/workflow/plan.ts';
import { parseWorkflow, validateWorkflow } from '../../../kernel/workflow/validate-workflow.ts';
import { installedPlugin } from '../../support/installed-plugin.ts';
import { holds } from './holds.ts';

const node = {
  title: 'N',
  description: '',
  kind: 'action' as const,
  effect: 'pure' as const,
  join: 'all' as const,
  timeoutMs: 1000,
  uses: [],
} satisfies Partial<NodeType>;
const plugin = installedPlugin({
  id: pluginId('test/fuzz'),
  nodes: [
    {
      ...node,
      type: 'copy',
      config: { type: 'object' },
      inputs: { in: {} },
      outputs: { out: {} },
      optionalInputs: ['in'],
    },
    {
      ...node,
      type: 'strict',
      config: { type: 'object', required: ['n'] },
      inputs: { in: { type: 'number' } },
      outputs: { out: { type: 'number' } },
      optionalInputs: [],
    },
  ],
});
const plugins = {
  get: (id: string) => (id === plugin.manifest.id ? plugin : null),
  list: () => [plugin],
};

const names = fc.constantFrom(
  'a',
  'b',
  'c',
  '__proto__',
  'constructor',
  'toString',
  'a.b',
  '',
  '../x',
);
const value = fc.oneof(
  fc.jsonValue(),
  fc.record(
    {
      $cel: fc.oneof(
        fc.constantFrom(
          '1',
          'steps.a.out',
          'inputs.in + 1',
          'this.constructor',
          '(',
          'steps["__proto__"]',
        ),
        fc.string(),
      ),
      orElse: fc.jsonValue(),
    },
    { requiredKeys: ['$cel'] },
  ),
);
const values = fc.dictionary(names, value, { maxKeys: 3 });
const nodes = fc.dictionary(
  names,
  fc.oneof(
    fc.record(
      {
        type: fc.constantFrom(
          'test/fuzz:copy',
          'test/fuzz:strict',
          'test/fuzz:constructor',
          'test/none:copy',
          'x',
        ),
        config: values,
        inputs: values,
        retry: fc.oneof(
          fc.jsonValue(),
          fc.record({ maxAttempts: fc.integer(), delayMs: fc.integer(), maxDelayMs: fc.integer() }),
        ),
        timeoutMs: fc.oneof(fc.integer(), fc.double()),
        disabled: fc.oneof(fc.boolean(), fc.constant('no')),
      },
      { requiredKeys: ['type'] },
    ),
    fc.jsonValue(),
  ),
  { maxKeys: 4 },
);
const port = fc
  .tuple(names, fc.constantFrom('out', 'in', 'run', 'done', 'error', 'constructor'))
  .map((it) => it.join('.'));
const documents = fc.record(
  {
    format: fc.constantFrom('runtime-hub/workflow@1', 'runtime-hub/workflow@2'),
    name: fc.oneof(fc.constant('w'), fc.string()),
    nodes,
    edges: fc.oneof(fc.array(fc.tuple(port, port), { maxLength: 6 }), fc.jsonValue()),
    settings: fc.oneof(
      fc.record({ maxParallelSteps: fc.integer() }, { requiredKeys: [] }),
      fc.jsonValue(),
    ),
    plugins: fc.jsonValue(),
  },
  { requiredKeys: ['format', 'name', 'nodes', 'edges'] },
);

test('any document is refused with its problems, or validated, planned and free of circles', () => {
  holds(
    'workflow-documents',
    [
      fc
        .oneof({ weight: 9, arbitrary: documents }, { weight: 1, arbitrary: fc.jsonValue() })
        .map((it) => JSON.stringify(it)),
    ],
    (text) => {
      const value = JSON.parse(text) as Json;
      try {
        const workflow = parseWorkflow(value);
        const problems = validateWorkflow(workflow, plugins);
        expect(problems.every((it) => it.at !== '' && it.message !== '' && it.cure !== '')).toBe(
          true,
        );
        if (problems.length > 0) return;
        const plan = planWorkflow(workflow, plugins);
        expect(plan.nodes.map((it) => it.name).toSorted()).toEqual(
          Object.keys(workflow.nodes).toSorted(),
        );
      } catch (error) {
        expect(HubError.is(error, 'WORKFLOW_INVALID')).toBe(true);
      }
    },
  );
});

test('a document is not changed by looking at it', () => {
  holds('workflow-untouched', [documents.map((it) => JSON.stringify(it))], (text) => {
    const value = JSON.parse(text) as Json;
    try {
      validateWorkflow(parseWorkflow(value), plugins);
    } catch (error) {
      expect(HubError.is(error, 'WORKFLOW_INVALID')).toBe(true);
    }
    expect(JSON.stringify(value)).toBe(text.length > 0 ? JSON.stringify(JSON.parse(text)) : '');
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});
