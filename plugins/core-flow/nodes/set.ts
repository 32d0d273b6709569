import * as Type from '@runtime-hub/plugin-sdk/schema';
import { defineNode } from '@runtime-hub/plugin-sdk';

/** Gives a value that is written, or computed, in its settings. */
export const setNode = defineNode({
  type: 'set',
  title: 'Set',
  description: 'Gives the value of its settings, which may be an expression.',
  effect: 'pure',
  config: Type.Object({ value: Type.Unknown() }, { additionalProperties: false }),
  outputs: { value: Type.Unknown() },
  run: ({ config }) => ({ value: config.value }),
});
