import { pluginId, type StepReport, type WorkflowDocument } from '@runtime-hub/plugin-sdk/contract';
import { expect, test } from 'vitest';
import { createEngine } from '../../../kernel/run/engine.ts';
import { installedPlugin } from '../../support/installed-plugin.ts';

const plugin = installedPlugin({
  id: pluginId('test/pure'),
  nodes: [
    {
      type: 'add',
      title: 'Add',
      description: '',
      kind: 'action',
      effect: 'pure',
      join: 'all',
      config: { type: 'object' },
      inputs: { a: {} },
      outputs: { a: {} },
      optionalInputs: ['a'],
      timeoutMs: 1000,
      uses: [],
    },
  ],
});

test('a chain of 50,000 nodes runs to its end', async () => {
  const count = 50_000;
  const name = (i: number): string => `n${String(i)}`;
  const workflow: WorkflowDocument = {
    format: 'runtime-hub/workflow@1',
    name: 'chain',
    nodes: Object.fromEntries(
      Array.from({ length: count }, (_, i) => [name(i), { type: 'test/pure:add' }]),
    ),
    edges: Array.from({ length: count - 1 }, (_, i): [string, string] => [
      `${name(i)}.a`,
      `${name(i + 1)}.a`,
    ]),
  };
  let finished = 0;
  const engine = createEngine({
    clock: { now: () => 0, after: () => ({ [Symbol.dispose]: () => undefined }) },
    ids: { next: () => 'run-00000001' },
    journal: {
      create: async () => undefined,
      append: async () => undefined,
      end: async () => undefined,
      claim: async () => null,
      open: async () => [],
    },
    plugins: { get: () => plugin, list: () => [plugin] },
    executor: {
      run: async (request) =>
        request.steps.map((step): StepReport => ({
          node: step.node,
          ok: true,
          outputs: { a: 1 },
          ms: 0,
        })),
    },
    listener: { listen: async () => undefined },
    permissions: { missing: () => [] },
    events: {
      emit: (event) => {
        if (event.type === 'step.finished') finished += 1;
      },
    },
  });
  const { finished: ended } = await engine.start(workflow);
  expect((await ended).status).toBe('succeeded');
  expect(finished).toBe(count);
});
