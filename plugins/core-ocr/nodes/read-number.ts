import { Type, defineNode } from '@runtime-hub/plugin-sdk';
import { ImageHandle, Reading } from '@runtime-hub/plugin-sdk/contract';

/** Reads the number in a picture. */
export const readNumberNode = defineNode({
  type: 'read-number',
  title: 'Read a number',
  description:
    'Reads the number in a picture. “value” comes only when it is certain, else “unreadable”; “number” always comes.',
  effect: 'idempotent',
  config: Type.Object({}, { additionalProperties: false }),
  inputs: { image: ImageHandle },
  outputs: { number: Reading, value: Type.Number(), unreadable: Reading },
  uses: ['ocr.read'],
  async run({ inputs, context }) {
    // SAFETY: the broker checked the result against the contract.
    const number = (await context.call('ocr.read', 'read-number', {
      image: inputs.image,
    })) as unknown as Reading;
    return number.value === null ? { number, unreadable: number } : { number, value: number.value };
  },
});
