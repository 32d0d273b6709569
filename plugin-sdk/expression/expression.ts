import { MAX_JSON_DEPTH, type Json, type JsonObject } from '../contract/index.ts';
import { cel, type CelInput } from './cel.ts';

/** What an expression can see. */
export interface Scope {
  readonly inputs: JsonObject;
  readonly steps: JsonObject;
  readonly trigger: JsonObject;
  readonly run: JsonObject;
}

const MAX_VALUES = 100_000;
const MAX_LENGTH = 2000;
const MAX_NESTED_LOOPS = 2;
const compiled = new Map<string, (scope: Scope) => Json>();

/** Compiles a CEL expression, once per text. Throws a plain Error with the parser's message. */
export function compileExpression(text: string): (scope: Scope) => Json {
  const known = compiled.get(text);
  if (known !== undefined) return known;
  if (text.length > MAX_LENGTH) throw new Error(`longer than ${String(MAX_LENGTH)} characters`);
  const { library, environment } = cel();
  const parsed = library.parse(text);
  if (loopsIn(parsed) > MAX_NESTED_LOOPS)
    throw new Error(
      `more than ${String(MAX_NESTED_LOOPS)} loops (all, exists, map, filter) in each other`,
    );
  const evaluate = library.plan(environment, parsed);
  const run = (scope: Scope): Json => {
    // Without a prototype: the library would find `constructor` there.
    const result = evaluate({
      __proto__: null,
      inputs: celOf(scope.inputs),
      steps: celOf(scope.steps),
      trigger: celOf(scope.trigger),
      run: celOf(scope.run),
    } as Record<string, CelInput>);
    if (library.isCelError(result)) throw new Error(told(result.message, text));
    return jsonOf(result, 0, { left: MAX_VALUES });
  };
  if (compiled.size >= 10_000) compiled.clear();
  compiled.set(text, run);
  return run;
}

/**
 * How many loops stand in each other at most: each multiplies what an expression costs by the length of a list. Without
 * recursion, since a long sum is a deep tree.
 */
function loopsIn(expression: object): number {
  let most = 0;
  const open = [{ part: expression, loops: 0 }];
  for (let item = open.pop(); item !== undefined; item = open.pop()) {
    const { part } = item;
    const loops = 'case' in part && part.case === 'comprehensionExpr' ? item.loops + 1 : item.loops;
    most = Math.max(most, loops);
    for (const inner of Object.values(part) as readonly unknown[])
      if (typeof inner === 'object' && inner !== null) open.push({ part: inner, loops });
  }
  return most;
}

/** The library's texts about types and places; others may quote a value. */
const SAFE =
  /^(?:found no matching overload for |type mismatch: expected |unresolved attribute$|unbound function: |u?int [a-z]+ by zero$|u?int overflow|index -?\d+ out of bounds)/u;

/** What may be said of a failure: types, and names that the author wrote. */
function told(message: string, text: string): string {
  const missing = /^field not found: (.*)$/su.exec(message)?.[1];
  if (missing !== undefined) return text.includes(missing) ? message : 'field not found';
  return SAFE.test(message) ? message : 'a value does not have the form that is needed here';
}

/** Maps have no prototype to reach: `inputs.constructor` is a missing key. */
function celOf(value: Json): CelInput {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map((item: Json) => celOf(item));
  return new Map(Object.entries(value).map(([key, item]) => [key, celOf(item)]));
}

function jsonOf(value: unknown, depth: number, budget: { left: number }): Json {
  const { isCelList, isCelMap, isCelUint } = cel().library;
  budget.left -= 1;
  if (budget.left < 0 || depth > MAX_JSON_DEPTH) throw new Error('the result is too large');
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'bigint') return numberOf(value);
  if (isCelUint(value)) return numberOf(value.value);
  if (isCelList(value)) return [...value].map((item) => jsonOf(item, depth + 1, budget));
  if (!isCelMap(value)) throw new Error('the result is not JSON');
  const entries: [string, Json][] = [];
  for (const [key, item] of value) {
    if (typeof key !== 'string') throw new Error('a key of the result is not a string');
    entries.push([key, jsonOf(item, depth + 1, budget)]);
  }
  return Object.fromEntries(entries);
}

function numberOf(value: number | bigint): Json {
  const number = Number(value);
  if (!Number.isFinite(number)) throw new Error('the result is not a finite number');
  if (typeof value === 'bigint' && !Number.isSafeInteger(number)) return value.toString();
  return number;
}
