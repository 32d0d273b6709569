import * as Type from '@runtime-hub/plugin-sdk/schema';
import { defineNode } from '@runtime-hub/plugin-sdk';
import { ImageHandle, Reading } from '@runtime-hub/plugin-sdk/contract';
import { find } from './ask.ts';

/** Finds text in a picture. */
export const findTextNode = defineNode({
  type: 'find-text',
  title: 'Find text',
  description: 'Finds the first line that holds a text; boxes are in pixels of the picture.',
  config: Type.Object(
    { text: Type.String({ minLength: 1, maxLength: 200 }) },
    { additionalProperties: false },
  ),
  inputs: { image: ImageHandle },
  outputs: { found: Reading, missing: Type.Boolean() },
  effect: 'idempotent',
  uses: ['ocr.read'],
  async run({ config, inputs, context }) {
    const [found] = await find(context, inputs.image, config.text);
    return found === undefined ? { missing: true } : { found };
  },
});
