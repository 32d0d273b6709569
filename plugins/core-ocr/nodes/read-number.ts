import * as Type from '@runtime-hub/plugin-sdk/schema';
import { defineNode } from '@runtime-hub/plugin-sdk';
import { ImageHandle, Reading } from '@runtime-hub/plugin-sdk/contract';
import { read } from './ask.ts';

/** Reads the number in a picture. */
export const readNumberNode = defineNode({
  type: 'read-number',
  title: 'Read a number',
  description: 'Reads the one number in a picture; “unreadable” rather than a guess.',
  config: Type.Object({}, { additionalProperties: false }),
  inputs: { image: ImageHandle },
  outputs: { number: Reading, value: Type.Number(), unreadable: Reading },
  effect: 'idempotent',
  uses: ['ocr.read'],
  async run({ inputs, context }) {
    const number = await read(context, 'read-number', inputs.image);
    const { value } = number;
    return value === null ? { number, unreadable: number } : { number, value };
  },
});
