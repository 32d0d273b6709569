import * as Type from '@runtime-hub/plugin-sdk/schema';
import { defineNode, unfit } from '@runtime-hub/plugin-sdk';
import { AnyJson, type Json } from '@runtime-hub/plugin-sdk/contract';
import { ownValue } from '../plain-json.ts';
import { Items } from '../schemas.ts';

const Key = Type.String({ minLength: 1, maxLength: 200 });

/** Sorts a list. */
export const sortNode = defineNode({
  type: 'sort',
  title: 'Sort',
  description:
    'Sorts a list of objects by a key, or of numbers or texts by themselves. Equal items keep their order; null and missing come last.',
  effect: 'pure',
  config: Type.Object(
    { key: Type.Optional(Key), descending: Type.Optional(Type.Boolean({ default: false })) },
    { additionalProperties: false },
  ),
  inputs: { items: Items },
  outputs: { items: Items },
  run({ config: { key, descending = false }, inputs: { items } }) {
    const marked = items.map((item, index) => ({ item, mark: markOf(item, key, index) }));
    const kinds = new Set(marked.flatMap(({ mark }) => (mark === null ? [] : [typeof mark])));
    if (kinds.size > 1) throw unfit('/items', 'mixes numbers and texts', 'Make them of one kind.');
    const sign = descending ? -1 : 1;
    marked.sort(({ mark: a }, { mark: b }) => compare(a, b, sign));
    return { items: marked.map(({ item }) => item) };
  },
});

function markOf(item: Json, key: string | undefined, index: number): string | number | null {
  const mark = key === undefined ? item : (ownValue(item, key) ?? null);
  if (mark === null || typeof mark === 'string' || typeof mark === 'number') return mark;
  const at = `/items/${String(index)}`;
  throw unfit(at, 'is sorted by what is neither a number nor a text', 'Name another key.');
}

function compare(a: string | number | null, b: string | number | null, sign: number): number {
  if (a === b) return 0;
  if (a === null) return 1;
  if (b === null) return -1;
  return a < b ? -sign : sign;
}

const Group = Type.Object({ key: AnyJson, items: Items, count: Type.Integer() });

/** Groups a list. */
export const groupNode = defineNode({
  type: 'group',
  title: 'Group',
  description:
    'Puts the objects of a list with the same value under a key together, in the order of the first of each.',
  effect: 'pure',
  config: Type.Object({ key: Key }, { additionalProperties: false }),
  inputs: { items: Items },
  outputs: { groups: Type.Array(Group) },
  run({ config: { key }, inputs: { items } }) {
    const groups = new Map<string | number | boolean | null, Json[]>();
    for (const [index, item] of items.entries()) {
      const value = ownValue(item, key) ?? null;
      if (typeof value === 'object' && value !== null)
        throw unfit(
          `/items/${String(index)}`,
          'has an object or a list there',
          'Name another key.',
        );
      const group = groups.get(value);
      if (group === undefined) groups.set(value, [item]);
      else group.push(item);
    }
    return {
      groups: [...groups].map(([value, found]) => ({
        key: value,
        items: found,
        count: found.length,
      })),
    };
  },
});
