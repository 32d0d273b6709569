import * as Type from '@runtime-hub/plugin-sdk/schema';
import { defineNode } from '@runtime-hub/plugin-sdk';

const DAY_MS = 86_400_000;

/** Waits, then goes on. */
export const delayNode = defineNode({
  type: 'delay',
  title: 'Delay',
  description: 'Waits for a time, then hands on what arrived.',
  effect: 'idempotent',
  config: Type.Object(
    { ms: Type.Integer({ minimum: 0, maximum: DAY_MS }) },
    { additionalProperties: false },
  ),
  inputs: { value: Type.Unknown() },
  optionalInputs: ['value'],
  outputs: { value: Type.Unknown() },
  timeoutMs: DAY_MS,
  async run({ config, inputs, context }) {
    await context.sleep(config.ms);
    return { value: inputs.value ?? null };
  },
});
