import * as Type from 'typebox';

/** Any value that survives `JSON.stringify` and `JSON.parse` unchanged. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json };

export type JsonObject = { readonly [key: string]: Json };

/** A JSON Schema (draft 2020-12 subset that ajv strict accepts). */
export type JsonSchema = JsonObject;

export const JsonSchemaOfSchema = Type.Unsafe<JsonSchema>({ type: 'object' });
export const AnyJson = Type.Unsafe<Json>({});
export const AnyObject = Type.Unsafe<JsonObject>({ type: 'object' });
