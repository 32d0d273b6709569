import * as Type from '@runtime-hub/plugin-sdk/schema';
import { defineNode } from '@runtime-hub/plugin-sdk';
import { Point } from '@runtime-hub/plugin-sdk/contract';
import { act, pointOf } from './act.ts';
import { Button, closed, Done } from './config.ts';

/** Presses at one point, moves, and lets go at another. */
export const dragNode = defineNode({
  type: 'drag',
  title: 'Drag',
  description:
    'Presses at a point, moves to another point (of the same window), and lets go there.',
  config: Type.Object({ ...Point.properties, to: Point, button: Button }, closed),
  inputs: {},
  outputs: { dragged: Done },
  effect: 'external',
  uses: ['input.mouse'],
  async run({ config, context }) {
    const { button = 'left' } = config;
    const at = pointOf(config);
    const to = { ...at, ...config.to };
    return { dragged: await act(context, { action: 'drag', at, to, button }) };
  },
});
