import {
  HubError,
  pluginId,
  reportOf,
  runId,
  type Edge,
  type ErrorCode,
  type ErrorData,
  type ErrorReport,
  type JsonObject,
  type NodeType,
  type StepReport,
  type WorkflowDocument,
  type WorkflowNode,
} from '@runtime-hub/plugin-sdk/contract';
import type { InstalledPlugin, PluginSource } from '../../../kernel/ports.ts';
import { installedPlugin } from '../../support/installed-plugin.ts';
import { planWorkflow, type Plan } from '../../../kernel/workflow/plan.ts';

export const PLUGIN = pluginId('test/steps');
export const RUN = runId('run-0001');

/** A node type with one optional input `in` and the outputs `out`, `yes` and `no`. */
export const typeOf = (type: string, more: Partial<NodeType> = {}): NodeType => ({
  type,
  title: type,
  description: '',
  kind: 'action',
  effect: 'idempotent',
  join: 'all',
  config: { type: 'object' },
  inputs: { in: {}, other: {} },
  outputs: { out: {}, yes: {}, no: {} },
  optionalInputs: ['in', 'other'],
  timeoutMs: 1000,
  uses: [],
  ...more,
});

const TYPES = [
  typeOf('pure', { effect: 'pure' }),
  typeOf('idempotent'),
  typeOf('external', { effect: 'external' }),
  typeOf('asking', { uses: ['screen.capture'] }),
  typeOf('merge', { join: 'any' }),
  typeOf('trigger', { kind: 'trigger', inputs: {}, optionalInputs: [] }),
];

/** One plugin, as if it were installed. */
export const installed = (nodes: readonly NodeType[], id = PLUGIN): InstalledPlugin =>
  installedPlugin({ id, nodes: [...nodes] });

export const sourceOf = (...plugins: readonly InstalledPlugin[]): PluginSource => ({
  get: (id) => plugins.find((plugin) => plugin.manifest.id === id) ?? null,
  list: () => plugins,
});

export const steps = sourceOf(installed(TYPES));

export type Sketch = Readonly<Record<string, string | (Partial<WorkflowNode> & { type: string })>>;

/** A workflow from `{ name: type }` and edges such as `'a.out b.in'`; a bare name is `done` or `run`. */
export function workflowOf(
  nodes: Sketch,
  edges: readonly string[] = [],
  settings?: NonNullable<WorkflowDocument['settings']>,
): WorkflowDocument {
  const entries = Object.entries(nodes).map(([name, sketch]) => {
    const node = typeof sketch === 'string' ? { type: sketch } : sketch;
    const type = node.type.includes(':') ? node.type : `${PLUGIN}:${node.type}`;
    return [name, { ...node, type }] as const;
  });
  return {
    format: 'runtime-hub/workflow@1',
    name: 'Sketch',
    nodes: Object.fromEntries(entries),
    edges: edges.map(edgeOf),
    ...(settings === undefined ? {} : { settings }),
  };
}

function edgeOf(text: string): Edge {
  const [from = '', to = ''] = text.split(' ');
  return [from.includes('.') ? from : `${from}.done`, to.includes('.') ? to : `${to}.run`];
}

export const planOf = (...sketch: Parameters<typeof workflowOf>): Plan =>
  planWorkflow(workflowOf(...sketch), steps);

export const errorReport = <C extends ErrorCode>(code: C, data: ErrorData[C]): ErrorReport =>
  reportOf(new HubError(code, data));

export const ok = (node: string, outputs: JsonObject = {}): StepReport => ({
  node,
  ok: true,
  outputs,
  ms: 1,
});

export const notOk = (node: string, error: ErrorReport): StepReport => ({
  node,
  ok: false,
  error,
  ms: 1,
});
