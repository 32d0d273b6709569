import { Type, defineNode } from '@runtime-hub/plugin-sdk';
import { ImageHandle, Reading } from '@runtime-hub/plugin-sdk/contract';
import { lookFor } from './look-for.ts';

/** Finds where a text stands in a picture. */
export const findTextNode = defineNode({
  type: 'find-text',
  title: 'Find text',
  description:
    'Finds the lines of a picture that contain a text, with their places; goes on at “missing” when there is none.',
  effect: 'idempotent',
  config: Type.Object(
    { text: Type.String({ minLength: 1, maxLength: 200 }) },
    { additionalProperties: false },
  ),
  inputs: { image: ImageHandle },
  outputs: { found: Type.Array(Reading), first: Reading, missing: Type.Boolean() },
  uses: ['ocr.read'],
  async run({ config, inputs, context }) {
    const found = await lookFor(context, inputs.image, config.text);
    const [first] = found;
    return first === undefined ? { missing: true } : { found, first };
  },
});
