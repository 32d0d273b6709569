import * as Type from '@runtime-hub/plugin-sdk/schema';
import { defineNode } from '@runtime-hub/plugin-sdk';

/** Joins branches of which not all need to arrive. */
export const mergeNode = defineNode({
  type: 'merge',
  title: 'Merge',
  description:
    'Goes on with the first of its inputs that has arrived once no other can arrive any more.',
  effect: 'pure',
  join: 'any',
  config: Type.Object({}, { additionalProperties: false }),
  inputs: { a: Type.Unknown(), b: Type.Unknown(), c: Type.Unknown(), d: Type.Unknown() },
  optionalInputs: ['a', 'b', 'c', 'd'],
  outputs: { value: Type.Unknown() },
  run: ({ inputs: { a, b, c, d } }) => ({
    value: [a, b, c, d].find((it) => it !== undefined) ?? null,
  }),
});
