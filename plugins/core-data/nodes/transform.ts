import * as Type from '@runtime-hub/plugin-sdk/schema';
import { HubError, defineNode } from '@runtime-hub/plugin-sdk';
import { AnyJson } from '@runtime-hub/plugin-sdk/contract';
import { transformed } from '../jsonata.ts';
import { checkedJson } from '../plain-json.ts';

const LONGEST_MS = 10_000;

/** Reshapes a value with a JSONata expression. */
export const transformNode = defineNode({
  type: 'transform',
  title: 'Transform',
  description: 'Reshapes a value with a JSONata expression; null where it gives nothing.',
  effect: 'pure',
  timeoutMs: LONGEST_MS,
  config: Type.Object(
    { expression: Type.String({ minLength: 1, maxLength: 10_000 }) },
    { additionalProperties: false },
  ),
  inputs: { value: AnyJson },
  outputs: { value: AnyJson },
  async run({ config: { expression }, inputs, context }) {
    const result = await transformed(expression, inputs.value, context).catch((cause: unknown) => {
      const message = cause instanceof Error ? cause.message : 'it can’t be read';
      if (context.signal.aborted) throw cause;
      throw new HubError(
        'STEP_EXPRESSION_FAILED',
        { at: '/expression', expression, message },
        { cause },
      );
    });
    return { value: checkedJson(result, '/expression') };
  },
});
