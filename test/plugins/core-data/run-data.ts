import type { ActionNode, StepContext } from '@runtime-hub/plugin-sdk';
import type { Json } from '@runtime-hub/plugin-sdk/contract';
import { Check } from 'typebox/value';
import dataPlugin from '../../../plugins/core-data/plugin.ts';

/** Runs a node of core/data in this process; every pause ends at once. */
export async function runData(
  type: string,
  config: object,
  inputs: object,
): Promise<Record<string, Json>> {
  const found = dataPlugin.nodes.find((it) => it.type === type);
  if (found === undefined) throw new Error(`no node ${type}`);
  // SAFETY: a node taken from a list has its types erased; what it gets is checked below.
  const node = found as ActionNode;
  if (!Check(node.config, config)) throw new Error(`config of ${type} does not fit`);
  for (const [port, value] of Object.entries(inputs))
    if (!Check(node.inputs?.[port] ?? {}, value)) throw new Error(`${port} does not fit`);
  const sleep = async (): Promise<void> => await Promise.resolve();
  // SAFETY: the nodes use nothing else of the context.
  const context = { signal: new AbortController().signal, sleep } as unknown as StepContext;
  const outputs = await node.run({ config, inputs, context } as never);
  for (const [port, value] of Object.entries(outputs))
    if (!Check(node.outputs[port] ?? {}, value)) throw new Error(`${port} breaks its schema`);
  // SAFETY: nodes give objects of ports; what leaves a host is JSON.
  return JSON.parse(JSON.stringify(outputs)) as Record<string, Json>;
}
