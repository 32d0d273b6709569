import * as Type from '@runtime-hub/plugin-sdk/schema';
import { defineNode, unfit } from '@runtime-hub/plugin-sdk';
import { AnyJson, AnyObject, type Json } from '@runtime-hub/plugin-sdk/contract';
import { checkKey, isObject, MAX_DEPTH } from '../plain-json.ts';
import { Names } from '../schemas.ts';

/** Keeps some keys. */
export const pickNode = defineNode({
  type: 'pick',
  title: 'Pick keys',
  description:
    'Keeps the named keys of an object, or of each object of a list, in the order named.',
  effect: 'pure',
  config: Type.Object({ keys: Names }, { additionalProperties: false }),
  inputs: { value: AnyJson },
  outputs: { value: AnyJson },
  run({ config: { keys }, inputs: { value } }) {
    for (const key of keys) checkKey(key, '/keys');
    if (Array.isArray(value))
      return {
        value: value.map((item: Json, index) => picked(item, keys, `/value/${String(index)}`)),
      };
    return { value: picked(value, keys, '/value') };
  },
});

function picked(value: Json, keys: readonly string[], at: string): Json {
  if (!isObject(value)) throw unfit(at, 'is no object', 'Give an object, or a list of objects.');
  const there = keys.filter((key) => Object.hasOwn(value, key));
  return Object.fromEntries(there.map((key) => [key, value[key] ?? null]));
}

/** Puts objects together. */
export const mergeNode = defineNode({
  type: 'merge',
  title: 'Merge objects',
  description:
    'Puts objects together; of a key in several the last counts. Deep: objects under one key are put together too, lists are not.',
  effect: 'pure',
  config: Type.Object(
    { deep: Type.Optional(Type.Boolean({ default: false })) },
    { additionalProperties: false },
  ),
  inputs: { a: AnyObject, b: AnyObject, c: AnyObject, d: AnyObject },
  optionalInputs: ['c', 'd'],
  outputs: { value: AnyObject },
  run({ config: { deep = false }, inputs: { a, b, c = {}, d = {} } }) {
    return { value: [b, c, d].reduce((all, next) => merged(all, next, deep ? MAX_DEPTH : 1), a) };
  },
});

type Fields = Readonly<Record<string, Json>>;

function merged(one: Fields, other: Fields, levels: number): Fields {
  const all = new Map(Object.entries(one));
  for (const [key, value] of Object.entries(other)) {
    checkKey(key, '/value');
    const before = all.get(key);
    const both = levels > 1 && isObject(before) && isObject(value);
    all.set(key, both ? merged(before, value, levels - 1) : value);
  }
  return Object.fromEntries(all);
}
