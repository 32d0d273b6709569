import * as Type from '@runtime-hub/plugin-sdk/schema';
import { defineNode } from '@runtime-hub/plugin-sdk';
import { Operator, holds } from '../comparison.ts';
import { numberIn } from '../reading.ts';

/** Goes on at “true”, “false”, or “unreadable” when there is no number to compare. */
export const conditionNode = defineNode({
  type: 'condition',
  title: 'Condition',
  description:
    'Compares a number. A value that is no number is neither true nor false: it goes on at “unreadable”.',
  effect: 'pure',
  config: Type.Object(
    {
      operator: Type.Optional(Operator),
      compareWith: Type.Optional(Type.Number()),
      /** Decides instead of the comparison, usually computed; null counts as unreadable. */
      when: Type.Optional(Type.Union([Type.Boolean(), Type.Null()])),
    },
    { additionalProperties: false },
  ),
  inputs: { value: Type.Unknown() },
  optionalInputs: ['value'],
  outputs: { true: Type.Unknown(), false: Type.Unknown(), unreadable: Type.Unknown() },
  run({ config, inputs }) {
    const { value = null } = inputs;
    const answer = answerOf(config, value);
    if (answer === null) return { unreadable: value };
    return answer ? { true: value } : { false: value };
  },
});

function answerOf(
  config: {
    readonly operator?: Operator;
    readonly compareWith?: number;
    readonly when?: boolean | null;
  },
  value: unknown,
): boolean | null {
  if (config.when !== undefined) return config.when;
  const number = numberIn(value);
  if (number === null || config.compareWith === undefined) return null;
  return holds(number, config.operator ?? '>', config.compareWith);
}
