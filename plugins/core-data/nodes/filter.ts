import * as Type from '@runtime-hub/plugin-sdk/schema';
import { HubError, defineNode } from '@runtime-hub/plugin-sdk';
import type { Json } from '@runtime-hub/plugin-sdk/contract';
import { valuesOf } from '../each-item.ts';
import { Items } from '../schemas.ts';

/** Splits a list by a condition. */
export const filterNode = defineNode({
  type: 'filter',
  title: 'Filter',
  description:
    'Keeps the items of a list for which an expression (CEL) over item and index is true; the others come out at “rejected”.',
  effect: 'pure',
  config: Type.Object(
    { when: Type.String({ minLength: 1, maxLength: 2000 }) },
    { additionalProperties: false },
  ),
  inputs: { items: Items },
  outputs: { items: Items, rejected: Items },
  async run({ config: { when }, inputs, context }) {
    const answers = await valuesOf(
      { items: inputs.items, field: 'when', expression: when },
      context,
    );
    const items: Json[] = [];
    const rejected: Json[] = [];
    for (const [index, item] of inputs.items.entries())
      (isTrue(answers[index], index, when) ? items : rejected).push(item);
    return { items, rejected };
  },
});

function isTrue(answer: Json | undefined, index: number, expression: string): boolean {
  if (typeof answer === 'boolean') return answer;
  const [at, message] = [`/items/${String(index)}`, 'the result is neither true nor false'];
  throw new HubError('STEP_EXPRESSION_FAILED', { at, expression, message });
}
