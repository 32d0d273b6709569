import { Type, defineNode } from '@runtime-hub/plugin-sdk';
import { ImageHandle, Reading } from '@runtime-hub/plugin-sdk/contract';

/** Reads all text in a picture. */
export const readTextNode = defineNode({
  type: 'read-text',
  title: 'Read text',
  description: 'Reads all text in a picture, line by line.',
  effect: 'idempotent',
  config: Type.Object({}, { additionalProperties: false }),
  inputs: { image: ImageHandle },
  outputs: { text: Type.String(), reading: Reading },
  uses: ['ocr.read'],
  async run({ inputs, context }) {
    // SAFETY: the broker checked the result against the contract.
    const reading = (await context.call('ocr.read', 'read-text', {
      image: inputs.image,
    })) as unknown as Reading;
    return { text: reading.text, reading };
  },
});
