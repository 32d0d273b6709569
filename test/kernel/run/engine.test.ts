import { pluginId, type StepReport, type WorkflowDocument } from '@runtime-hub/plugin-sdk/contract';
import { expect, test } from 'vitest';
import type { InstalledPlugin } from '../../../kernel/ports.ts';
import { createEngine } from '../../../kernel/run/engine.ts';

const node = {
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
} as const;
const plugin = {
  manifest: {
    manifestVersion: 1,
    id: pluginId('test/pure'),
    version: '1.0.0',
    title: 'T',
    description: '',
    license: 'MIT',
    engine: '*',
    runtime: 'isolate',
    entry: 'plugin.js',
    permissions: [],
    provides: [],
    nodes: [{ ...node, uses: [], optionalInputs: ['a'] }],
  },
  digest: '',
  publisher: '',
  folder: '',
} as const;

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
  const source: InstalledPlugin = {
    ...plugin,
    manifest: {
      ...plugin.manifest,
      permissions: [],
      provides: [],
      nodes: plugin.manifest.nodes.map((type) => ({ ...type, uses: [], optionalInputs: ['a'] })),
    },
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
    plugins: { get: () => source, list: () => [source] },
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
