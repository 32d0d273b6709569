import {
  HubError,
  splitNodeType,
  type JsonObject,
  type NodeType,
  type PluginId,
  type RetryPolicy,
  type SegmentStep,
  type WorkflowDocument,
} from '@runtime-hub/plugin-sdk/contract';
import type { PluginSource } from '../ports.ts';
import { findBindings, stepsRead } from '@runtime-hub/plugin-sdk/expression';

export interface PlanNode {
  readonly name: string;
  readonly type: string;
  readonly plugin: PluginId;
  /** The version that the workflow pins; absent for the current one. */
  readonly version?: string | undefined;
  readonly nodeType: NodeType;
  readonly config: JsonObject;
  readonly inputs: JsonObject;
  readonly bound: boolean;
  /** Indexes of nodes whose outputs its expressions read. */
  readonly reads: readonly number[];
  readonly retry: RetryPolicy | null;
  readonly timeoutMs: number;
  readonly disabled: boolean;
}

/** Compiled, immutable form of a workflow; nodes and edges by index. */
export interface Plan {
  readonly document: WorkflowDocument;
  readonly nodes: readonly PlanNode[];
  readonly index: ReadonlyMap<string, number>;
  readonly from: Int32Array;
  readonly to: Int32Array;
  readonly ports: readonly (readonly [string, string])[];
  readonly outgoing: readonly (readonly number[])[];
  readonly incoming: readonly (readonly number[])[];
  /** The following node of the same segment, or -1. */
  readonly next: Int32Array;
}

export const MAX_SEGMENT = 256;

/** The node type a node of a workflow names, of the version it pins, or null. */
export function nodeTypeOf(
  plugins: PluginSource,
  { plugins: pins }: WorkflowDocument,
  id: string,
): NodeType | null {
  const { plugin, type } = splitNodeType(id);
  const installed = plugins.get(plugin, pins?.[plugin]?.version);
  return installed?.manifest.nodes.find((node) => node.type === type) ?? null;
}

/** Compiles a valid workflow. Throws PLUGIN_NOT_INSTALLED for a missing one. */
export function planWorkflow(document: WorkflowDocument, plugins: PluginSource): Plan {
  const names = Object.keys(document.nodes);
  const index = new Map(names.map((name, i) => [name, i]));
  const types = new Map<string, NodeType | null>();
  const nodes = names.map((name) => planNode(document, name, index, plugins, types));
  const outgoing: number[][] = nodes.map(() => []);
  const incoming: number[][] = nodes.map(() => []);
  const from = new Int32Array(document.edges.length);
  const to = new Int32Array(document.edges.length);
  const ports = document.edges.map(([source, target], edge): readonly [string, string] => {
    const [a = '', out = ''] = source.split('.');
    const [b = '', into = ''] = target.split('.');
    from[edge] = index.get(a) ?? -1;
    to[edge] = index.get(b) ?? -1;
    outgoing[from[edge] ?? -1]?.push(edge);
    incoming[to[edge] ?? -1]?.push(edge);
    return [out, into];
  });
  const flat = { document, nodes, index, from, to, ports, outgoing, incoming };
  return { ...flat, next: linkSegments(flat) };
}

function planNode(
  document: WorkflowDocument,
  name: string,
  index: ReadonlyMap<string, number>,
  plugins: PluginSource,
  types: Map<string, NodeType | null>,
): PlanNode {
  const node = document.nodes[name];
  const type = node?.type ?? '';
  const plugin = splitNodeType(type).plugin;
  const nodeType = types.get(type) ?? nodeTypeOf(plugins, document, type);
  const version = document.plugins?.[plugin]?.version;
  if (node === undefined || nodeType === null)
    throw plugins.refusal?.(plugin, version) ?? new HubError('PLUGIN_NOT_INSTALLED', { plugin });
  types.set(type, nodeType);
  const config = node.config ?? {};
  const inputs = node.inputs ?? {};
  const bindings = [...findBindings(config), ...findBindings(inputs)];
  const reads = new Set(bindings.flatMap((binding) => stepsRead(binding.expression)));
  return {
    name,
    type: nodeType.type,
    plugin,
    version,
    nodeType,
    config,
    inputs,
    bound: bindings.length > 0,
    reads: [...reads].flatMap((read) => index.get(read) ?? []),
    retry: node.retry ?? null,
    timeoutMs: node.timeoutMs ?? nodeType.timeoutMs,
    disabled: node.disabled ?? false,
  };
}

function linkSegments(plan: Omit<Plan, 'next'>): Int32Array {
  const read = new Set(plan.nodes.flatMap((node) => node.reads));
  return Int32Array.from(plan.nodes, (node, i) => {
    const [edge, ...more] = plan.outgoing[i] ?? [];
    if (edge === undefined || more.length > 0 || read.has(i) || !leads(node)) return -1;
    const target = plan.to[edge] ?? -1;
    const after = plan.nodes[target];
    if (after === undefined || plan.incoming[target]?.length !== 1) return -1;
    if (after.bound || !fusible(after) || node.plugin !== after.plugin) return -1;
    return passesOn(node, after, plan.ports[edge] ?? ['', '']) ? target : -1;
  });
}

/** True when the second may begin as soon as the first has ended, with nothing but its output. */
function passesOn(
  node: PlanNode,
  after: PlanNode,
  [out, into]: readonly [string, string],
): boolean {
  if (out === 'done' && into === 'run') return true;
  return Object.hasOwn(node.nodeType.outputs, out) && Object.hasOwn(after.nodeType.inputs, into);
}

/** May begin a segment: what it uses is asked for before the segment starts. */
const leads = ({ nodeType, retry, disabled }: PlanNode): boolean =>
  nodeType.effect !== 'external' && nodeType.kind === 'action' && retry === null && !disabled;

/** May follow in one. */
const fusible = (node: PlanNode): boolean =>
  leads(node) && node.nodeType.effect === 'pure' && node.nodeType.uses.length === 0;

/** Nodes that travel with `first`, in order. */
export function segmentFrom(plan: Plan, first: number): readonly number[] {
  const members = [first];
  let after = plan.next[first] ?? -1;
  while (after >= 0 && members.length < MAX_SEGMENT) {
    members.push(after);
    after = plan.next[after] ?? -1;
  }
  return members;
}

/** The steps of a segment as they go over the wire; a bound node's config and inputs come as values. */
export function segmentSteps(plan: Plan, members: readonly number[]): readonly SegmentStep[] {
  const known = stepsOfPlans.get(plan) ?? new Map<string, readonly SegmentStep[]>();
  stepsOfPlans.set(plan, known);
  // Members are a chain, so its ends say which.
  const key = `${String(members[0])} ${String(members.length)}`;
  const steps = known.get(key) ?? makeSteps(plan, members);
  known.set(key, steps);
  return steps;
}

const stepsOfPlans = new WeakMap<Plan, Map<string, readonly SegmentStep[]>>();

function makeSteps(plan: Plan, members: readonly number[]): readonly SegmentStep[] {
  return members.flatMap((member, position) => {
    const node = plan.nodes[member];
    if (node === undefined) return [];
    const { name, type, bound } = node;
    const edge = position === 0 ? undefined : plan.incoming[member]?.[0];
    const [port, into] = (edge === undefined ? undefined : plan.ports[edge]) ?? ['', ''];
    const from = plan.nodes[members[position - 1] ?? -1]?.name ?? '';
    return {
      node: name,
      type,
      config: bound ? {} : node.config,
      inputs: bound ? {} : node.inputs,
      links: edge === undefined || into === 'run' ? {} : { [into]: { from, port } },
    };
  });
}
