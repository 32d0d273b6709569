import * as Type from '@runtime-hub/plugin-sdk/schema';
import { defineNode } from '@runtime-hub/plugin-sdk';
import { Area, ImageHandle, Point } from '@runtime-hub/plugin-sdk/contract';
import { act, pointOf } from './act.ts';
import { Button, closed, Done } from './config.ts';
import { checkUnchanged } from './seen.ts';

/** Clicks once, unless what the decision was made on has changed since. */
export const clickNode = defineNode({
  type: 'click',
  title: 'Click',
  description:
    'Clicks a point of the screen or of a window. With “seen” connected it looks again right before it presses and clicks only when the picture is still the same.',
  config: Type.Object(
    {
      ...Point.properties,
      button: Button,
      /** The area that `seen` shows; without it, it is worked out from `seen` and `window`. */
      watch: Type.Optional(Area),
    },
    closed,
  ),
  inputs: { seen: ImageHandle },
  optionalInputs: ['seen'],
  outputs: { clicked: Done },
  effect: 'external',
  timeoutMs: 10_000,
  uses: ['input.mouse', 'screen.capture'],
  async run({ config, inputs, context }) {
    const { button = 'left' } = config;
    if (inputs.seen !== undefined) await checkUnchanged(context, config, inputs.seen);
    return { clicked: await act(context, { action: 'click', at: pointOf(config), button }) };
  },
});
