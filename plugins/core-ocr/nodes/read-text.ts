import * as Type from '@runtime-hub/plugin-sdk/schema';
import { defineNode } from '@runtime-hub/plugin-sdk';
import { ImageHandle, Reading } from '@runtime-hub/plugin-sdk/contract';
import { read } from './ask.ts';

/** Reads the text in a picture. */
export const readTextNode = defineNode({
  type: 'read-text',
  title: 'Read text',
  description: 'Reads the lines of text in a picture, top to bottom.',
  config: Type.Object({}, { additionalProperties: false }),
  inputs: { image: ImageHandle },
  outputs: { reading: Reading, text: Type.String() },
  effect: 'idempotent',
  uses: ['ocr.read'],
  async run({ inputs, context }) {
    const reading = await read(context, 'read-text', inputs.image);
    return { reading, text: reading.text };
  },
});
