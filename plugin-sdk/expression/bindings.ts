import { HubError, type Json, type JsonObject } from '../contract/index.ts';
import type { Scope } from './cel.ts';
import { compileExpression } from './expression.ts';

/** A `$cel` binding and its JSON pointer. */
export interface Binding {
  readonly at: string;
  readonly expression: string;
}

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const expressionOf = (value: Json): string | null =>
  isObject(value) && typeof value['$cel'] === 'string' ? value['$cel'] : null;

/** A key as one part of a JSON pointer (RFC 6901). */
export const pointerPart = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1');

/** Lists every binding inside a value. */
export function findBindings(value: Json, at = ''): readonly Binding[] {
  const found: Binding[] = [];
  const open: { readonly value: Json; readonly at: string }[] = [{ value, at }];
  for (let item = open.pop(); item !== undefined; item = open.pop()) {
    const expression = expressionOf(item.value);
    if (expression !== null) found.push({ at: item.at, expression });
    else if (typeof item.value === 'object' && item.value !== null)
      for (const [key, inner] of Object.entries(item.value))
        open.push({ value: inner, at: `${item.at}/${pointerPart(key)}` });
  }
  return found;
}

/** Replaces every binding by its value. Throws STEP_EXPRESSION_FAILED where no `orElse` helps. */
export function resolveBindings(value: Json, scope: Scope, at = ''): Json {
  const expression = expressionOf(value);
  if (expression !== null && isObject(value)) return evaluate(value, expression, scope, at);
  if (Array.isArray(value))
    return value.map((item: Json, i) => resolveBindings(item, scope, `${at}/${String(i)}`));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      resolveBindings(item, scope, `${at}/${pointerPart(key)}`),
    ]),
  );
}

function evaluate(binding: JsonObject, expression: string, scope: Scope, at: string): Json {
  try {
    return compileExpression(expression)(scope);
  } catch (cause) {
    const orElse = binding['orElse'];
    if (orElse !== undefined) return orElse;
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new HubError('STEP_EXPRESSION_FAILED', { at, expression, message }, { cause });
  }
}
