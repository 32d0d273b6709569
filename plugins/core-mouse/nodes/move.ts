import * as Type from '@runtime-hub/plugin-sdk/schema';
import { defineNode } from '@runtime-hub/plugin-sdk';
import { Point } from '@runtime-hub/plugin-sdk/contract';
import { act, pointOf } from './act.ts';
import { closed, Done } from './config.ts';

/** Moves the pointer without pressing. */
export const moveNode = defineNode({
  type: 'move',
  title: 'Move the mouse',
  description: 'Moves the pointer to a point of the screen or of a window.',
  config: Type.Object(Point.properties, closed),
  inputs: {},
  outputs: { moved: Done },
  effect: 'external',
  uses: ['input.mouse'],
  async run({ config, context }) {
    return { moved: await act(context, { action: 'move', at: pointOf(config) }) };
  },
});
