import * as Type from '@runtime-hub/plugin-sdk/schema';
import { defineNode } from '@runtime-hub/plugin-sdk';
import { Operator, holds } from '../comparison.ts';
import { numberIn } from '../reading.ts';

const PORTS = ['case1', 'case2', 'case3', 'case4', 'case5', 'case6', 'case7', 'case8'] as const;

/** Goes on at the first case that fits. */
export const switchNode = defineNode({
  type: 'switch',
  title: 'Switch',
  description:
    'Goes on at the port of the first case that fits, else at “otherwise”, or at “unreadable” when there is no number.',
  effect: 'pure',
  config: Type.Object(
    {
      cases: Type.Array(
        Type.Object(
          { operator: Operator, compareWith: Type.Number() },
          { additionalProperties: false },
        ),
        { minItems: 1, maxItems: PORTS.length },
      ),
    },
    { additionalProperties: false },
  ),
  inputs: { value: Type.Unknown() },
  outputs: {
    case1: Type.Unknown(),
    case2: Type.Unknown(),
    case3: Type.Unknown(),
    case4: Type.Unknown(),
    case5: Type.Unknown(),
    case6: Type.Unknown(),
    case7: Type.Unknown(),
    case8: Type.Unknown(),
    otherwise: Type.Unknown(),
    unreadable: Type.Unknown(),
  },
  run({ config, inputs }) {
    const number = numberIn(inputs.value);
    if (number === null) return { unreadable: inputs.value };
    const found = config.cases.findIndex((it) => holds(number, it.operator, it.compareWith));
    return { [PORTS[found] ?? 'otherwise']: inputs.value };
  },
});
