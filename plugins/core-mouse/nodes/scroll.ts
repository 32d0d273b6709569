import * as Type from '@runtime-hub/plugin-sdk/schema';
import { defineNode } from '@runtime-hub/plugin-sdk';
import { Point } from '@runtime-hub/plugin-sdk/contract';
import { act, pointOf } from './act.ts';
import { closed, Done } from './config.ts';

/** Turns the wheel. */
export const scrollNode = defineNode({
  type: 'scroll',
  title: 'Scroll',
  description: 'Turns the mouse wheel at a point of the screen or of a window.',
  config: Type.Object(
    {
      ...Point.properties,
      /** Wheel notches; up is negative. */
      notches: Type.Integer({ minimum: -100, maximum: 100, default: 3 }),
    },
    closed,
  ),
  inputs: {},
  outputs: { scrolled: Done },
  effect: 'external',
  uses: ['input.mouse'],
  async run({ config, context }) {
    const { notches } = config;
    return { scrolled: await act(context, { action: 'scroll', at: pointOf(config), notches }) };
  },
});
