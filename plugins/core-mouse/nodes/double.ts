import { defineNode } from '@runtime-hub/plugin-sdk';
import { act, pointOf } from './act.ts';
import { Done, Spot } from './config.ts';

/** Clicks twice at once. */
export const doubleNode = defineNode({
  type: 'double',
  title: 'Double click',
  description: 'Clicks a point of the screen or of a window twice.',
  config: Spot,
  inputs: {},
  outputs: { clicked: Done },
  effect: 'external',
  uses: ['input.mouse'],
  async run({ config, context }) {
    const { button = 'left' } = config;
    return { clicked: await act(context, { action: 'double', at: pointOf(config), button }) };
  },
});
