import * as Type from '@runtime-hub/plugin-sdk/schema';
import { defineNode } from '@runtime-hub/plugin-sdk';
import { valuesOf } from '../each-item.ts';
import { Items } from '../schemas.ts';

/** Computes a value for each item. */
export const mapNode = defineNode({
  type: 'map',
  title: 'Map',
  description:
    'Computes a value for each item of a list, with an expression (CEL) over item and index.',
  effect: 'pure',
  config: Type.Object(
    { expression: Type.String({ minLength: 1, maxLength: 2000 }) },
    { additionalProperties: false },
  ),
  inputs: { items: Items },
  outputs: { items: Items },
  async run({ config: { expression }, inputs: { items }, context }) {
    return { items: await valuesOf({ items, field: 'expression', expression }, context) };
  },
});
