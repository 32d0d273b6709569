import {
  HubError,
  IMPLICIT_INPUT,
  IMPLICIT_OUTPUTS,
  pluginId,
  splitNodeType,
  WorkflowDocument,
  type Json,
  type JsonSchema,
  type NodeType,
  type Problem,
  type WorkflowNode,
} from '@runtime-hub/plugin-sdk/contract';
import {
  compileExpression,
  findBindings,
  pointerPart,
  stepsRead,
} from '@runtime-hub/plugin-sdk/expression';
import type { PluginSource } from '../ports.ts';
import { schemaProblems } from '../schema-check.ts';
import { nodeTypeOf } from './plan.ts';

/** Turns unknown JSON into a workflow document. Throws WORKFLOW_INVALID with every problem of its form. */
export function parseWorkflow(value: unknown): WorkflowDocument {
  const problems = schemaProblems(WorkflowDocument, value);
  if (problems.length > 0) throw new HubError('WORKFLOW_INVALID', { problems });
  // SAFETY: it fits the schema of the type.
  return value as WorkflowDocument;
}

/** Lists every problem of a workflow against the installed plugins; empty when it can run. */
export function validateWorkflow(document: WorkflowDocument, plugins: PluginSource): Problem[] {
  const types = new Map<string, NodeType | null>();
  for (const node of Object.values(document.nodes))
    if (!types.has(node.type)) types.set(node.type, nodeTypeOf(plugins, document, node.type));
  const typeOf = (name: string): NodeType | null =>
    types.get(document.nodes[name]?.type ?? '') ?? null;
  const fed = new Map<string, number>();
  for (const [, target] of document.edges) fed.set(target, (fed.get(target) ?? 0) + 1);
  return [
    ...pinProblems(document, plugins),
    ...document.edges.flatMap((edge, i) => edgeProblems(document, typeOf, edge, i)),
    ...Object.entries(document.nodes).flatMap(([name, node]) =>
      nodeProblems(name, node, typeOf(name), { fed, nodes: document.nodes }),
    ),
    ...cycleProblems(document),
  ];
}

function pinProblems(document: WorkflowDocument, plugins: PluginSource): Problem[] {
  return Object.entries(document.plugins ?? {}).flatMap(([id, pin]) => {
    const installed = plugins.get(pluginId(id), pin.version) ?? plugins.get(pluginId(id));
    if (installed === null) return [];
    const same = pin.digest === undefined || pin.digest === installed.digest;
    if (same && installed.manifest.version === pin.version) return [];
    const message = `wants ${pin.version}, installed is ${installed.manifest.version}${same ? '' : ' with another digest'}`;
    const cure = `Install ${id}@${pin.version} or change the pin.`;
    return [{ at: `/plugins/${id}`, message, cure }];
  });
}

function edgeProblems(
  document: WorkflowDocument,
  typeOf: (name: string) => NodeType | null,
  edge: readonly [string, string],
  i: number,
): Problem[] {
  return edge.flatMap((end, side) => {
    const [name = '', port = '', rest] = end.split('.');
    const at = `/edges/${String(i)}/${String(side)}`;
    if (!Object.hasOwn(document.nodes, name) || rest !== undefined)
      return [{ at, message: `there is no node “${name}”`, cure: 'Name a node of this workflow.' }];
    const type = typeOf(name);
    if (type === null) return [];
    const implicit: readonly string[] = side === 0 ? IMPLICIT_OUTPUTS : [IMPLICIT_INPUT];
    if (side === 1 && type.kind === 'trigger')
      return [{ at, message: `the trigger ${name} takes no edges`, cure: 'Remove the edge.' }];
    const known = side === 0 ? type.outputs : type.inputs;
    if (implicit.includes(port) || Object.hasOwn(known, port)) return [];
    const choice = [...Object.keys(known), ...implicit].join(', ');
    return [{ at, message: `${name} has no port “${port}”`, cure: `Use one of: ${choice}.` }];
  });
}

function nodeProblems(
  name: string,
  node: WorkflowNode,
  type: NodeType | null,
  { fed, nodes }: { readonly fed: ReadonlyMap<string, number>; readonly nodes: object },
): Problem[] {
  const at = `/nodes/${name}`;
  const plugin = splitNodeType(node.type).plugin;
  if (type === null) {
    const cure = `Install ${plugin}: hub plugins install ${plugin}`;
    return [{ at, message: `unknown node type ${node.type}`, cure }];
  }
  if (node.disabled === true) return [];
  const ports = Object.keys(type.inputs).flatMap((port) =>
    portProblems(`${at}/inputs/${port}`, node, type, port, fed.get(`${name}.${port}`) ?? 0),
  );
  const given = Object.entries(node.inputs ?? {}).flatMap(([port, value]) =>
    givenProblems(`${at}/inputs/${pointerPart(port)}`, type, port, value),
  );
  const config = valueProblems(type.config, node.config ?? {}, `${at}/config`);
  return [...ports, ...given, ...config, ...bindingProblems(at, node, type, nodes)];
}

function givenProblems(at: string, type: NodeType, port: string, value: Json): readonly Problem[] {
  const schema = Object.hasOwn(type.inputs, port) ? type.inputs[port] : undefined;
  if (schema !== undefined) return valueProblems(schema, value, at);
  const cure = `Use one of: ${Object.keys(type.inputs).join(', ')}.`;
  return [{ at, message: `there is no input “${port}”`, cure }];
}

function portProblems(
  at: string,
  node: WorkflowNode,
  type: NodeType,
  port: string,
  edges: number,
): Problem[] {
  const tooMany = {
    at,
    message: 'more than one edge arrives here',
    cure: 'Join them: core/flow:merge.',
  };
  if (type.join === 'all' && edges > 1) return [tooMany];
  const given = Object.hasOwn(node.inputs ?? {}, port) || type.optionalInputs.includes(port);
  if (edges > 0 || given || type.kind !== 'action') return [];
  return [{ at, message: 'is missing', cure: 'Connect an edge or give a value.' }];
}

/** Problems of a value that holds bindings: what is computed is checked when it is. */
function valueProblems(schema: JsonSchema, value: Json, at: string): readonly Problem[] {
  const computed = findBindings(value, at).map((binding) => binding.at);
  return schemaProblems(schema, value, at).filter(
    (problem) => !computed.some((place) => `${problem.at}/`.startsWith(`${place}/`)),
  );
}

function bindingProblems(
  at: string,
  { config = {}, inputs = {} }: WorkflowNode,
  { kind }: NodeType,
  nodes: object,
): Problem[] {
  const all = [...findBindings(config, `${at}/config`), ...findBindings(inputs, `${at}/inputs`)];
  return all.flatMap(({ at: place, expression }): Problem[] => {
    if (kind === 'trigger')
      return [{ at: place, message: 'a trigger computes nothing', cure: 'Give a fixed value.' }];
    try {
      compileExpression(expression);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      return [{ at: place, message, cure: 'Write a CEL expression, e.g. inputs.value > 42' }];
    }
    const unknown = stepsRead(expression).filter((it) => !Object.hasOwn(nodes, it));
    const cure = 'Name a node that runs before.';
    return unknown.map((it) => ({ at: place, message: `there is no node “${it}”`, cure }));
  });
}

function cycleProblems({ nodes, edges }: WorkflowDocument): Problem[] {
  const waits = new Map(Object.keys(nodes).map((name) => [name, 0]));
  const joins = edges
    .map((edge) => edge.map((end) => end.split('.')[0] ?? ''))
    .filter((ends) => ends.every((name) => waits.has(name)));
  const after = Map.groupBy(joins, ([from]) => from);
  for (const [, to = ''] of joins) waits.set(to, (waits.get(to) ?? 0) + 1);
  const free = [...waits.keys()].filter((name) => waits.get(name) === 0);
  for (let name = free.pop(); name !== undefined; name = free.pop()) {
    waits.delete(name);
    for (const [, to = ''] of after.get(name) ?? []) {
      const left = (waits.get(to) ?? 0) - 1;
      waits.set(to, left);
      if (left === 0) free.push(to);
    }
  }
  if (waits.size === 0) return [];
  const message = `a cycle goes through or leads to ${[...waits.keys()].slice(0, 20).join(', ')}`;
  return [{ at: '/edges', message, cure: 'Remove an edge of the cycle.' }];
}
