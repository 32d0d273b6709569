import {
  HubError,
  type Json,
  type JsonObject,
  type Problem,
  type StepValues,
} from '@runtime-hub/plugin-sdk/contract';
import { resolveBindings } from '@runtime-hub/plugin-sdk/expression';
import type { Plan } from '../workflow/plan.ts';
import { schemaProblems } from '../schema-check.ts';
import type { RunState } from './run-state.ts';

/** Config and inputs of one step, expressions replaced. Throws STEP_EXPRESSION_FAILED, STEP_INPUT_INVALID. */
export function stepValues(plan: Plan, state: RunState, step: number): StepValues {
  const node = plan.nodes[step];
  if (node === undefined) return {};
  const arrived = arrivedAt(plan, state, step);
  const outputs = node.reads.flatMap((read) => {
    const given = state.outputs[read];
    return given ? [[plan.nodes[read]?.name ?? '', given] as const] : [];
  });
  const scope = {
    inputs: arrived,
    steps: Object.fromEntries(outputs),
    trigger: state.trigger?.outputs ?? {},
    run: { id: state.run },
  };
  const resolved = (value: JsonObject, at: string): JsonObject =>
    // SAFETY: resolving an object of values gives an object.
    node.bound ? (resolveBindings(value, scope, at) as JsonObject) : value;
  const config = resolved(node.config, '/config');
  const inputs = { ...resolved(node.inputs, '/inputs'), ...arrived };
  const problems: Problem[] = [...schemaProblems(node.nodeType.config, config, '/config')];
  for (const [port, value] of Object.entries(inputs)) {
    const schema = Object.hasOwn(node.nodeType.inputs, port) ? node.nodeType.inputs[port] : null;
    if (schema) problems.push(...schemaProblems(schema, value, `/inputs/${port}`));
  }
  if (problems.length > 0) throw new HubError('STEP_INPUT_INVALID', { problems });
  return { config, inputs, attempt: (state.attempts[step] ?? 0) + 1 };
}

/** What the edges brought; of several to one port the first that brought something. */
function arrivedAt(plan: Plan, state: RunState, step: number): Record<string, Json> {
  const arrived: Record<string, Json> = {};
  for (const edge of plan.incoming[step] ?? []) {
    const [out, into] = plan.ports[edge] ?? ['', ''];
    const outputs = state.outputs[plan.from[edge] ?? -1] ?? {};
    const value = Object.hasOwn(outputs, out) ? outputs[out] : undefined;
    if (value !== undefined && into !== 'run' && !Object.hasOwn(arrived, into))
      arrived[into] = value;
  }
  return arrived;
}
