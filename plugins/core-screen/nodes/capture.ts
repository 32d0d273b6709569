import { defineNode } from '@runtime-hub/plugin-sdk';
import { Area, ImageHandle } from '@runtime-hub/plugin-sdk/contract';

/** Takes a picture of an area. */
export const captureNode = defineNode({
  type: 'capture',
  title: 'Capture the screen',
  description: 'Takes a picture of the screen, a window, or a part of either, without scaling it.',
  config: Area,
  inputs: {},
  outputs: { image: ImageHandle },
  effect: 'idempotent',
  timeoutMs: 10_000,
  uses: ['screen.capture'],
  async run({ config, context }) {
    const image = await context.call('screen.capture', 'capture', { area: config });
    // SAFETY: the broker checked the result against the contract.
    return { image: image as unknown as ImageHandle };
  },
});
