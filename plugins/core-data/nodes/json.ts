import * as Type from '@runtime-hub/plugin-sdk/schema';
import { defineNode } from '@runtime-hub/plugin-sdk';
import { AnyJson, type Json } from '@runtime-hub/plugin-sdk/contract';
import { parseJsonText } from '../json-text.ts';
import { isObject } from '../plain-json.ts';

/** Reads JSON text. */
export const parseJsonNode = defineNode({
  type: 'parse-json',
  title: 'Parse JSON',
  description: 'Reads JSON text; an error names line and column.',
  effect: 'pure',
  config: Type.Object({}, { additionalProperties: false }),
  inputs: { text: Type.String() },
  outputs: { value: AnyJson },
  run: ({ inputs: { text } }) => ({ value: parseJsonText(text, '/text') }),
});

/** Writes JSON text. */
export const toJsonNode = defineNode({
  type: 'to-json',
  title: 'To JSON',
  description: 'Writes a value as JSON text.',
  effect: 'pure',
  config: Type.Object(
    {
      indent: Type.Optional(Type.Integer({ minimum: 0, maximum: 8, default: 0 })),
      sortKeys: Type.Optional(Type.Boolean({ default: false })),
    },
    { additionalProperties: false },
  ),
  inputs: { value: AnyJson },
  outputs: { text: Type.String() },
  run({ config: { indent = 0, sortKeys = false }, inputs: { value } }) {
    return { text: JSON.stringify(sortKeys ? sorted(value) : value, null, indent) };
  },
});

function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, item]) => [key, sorted(item)]));
}
