// Before the library, which makes a decoder when it loads.
import './text-decoder.ts';
import {
  CelScalar,
  celEnv,
  celFunc,
  isCelError,
  isCelList,
  isCelMap,
  isCelUint,
  parse,
  plan,
  type CelInput,
} from '@bufbuild/cel';
import type { Json } from '@runtime-hub/plugin-sdk/contract';
import { MAX_DEPTH, type Budget } from './plain-json.ts';

const MAX_NESTED_LOOPS = 2;

/** JSON knows only one kind of number, so `item.n + 1` must work; the same as in a workflow’s expressions. */
const operators: Readonly<Record<string, (a: number, b: number) => number>> = {
  '_+_': (a, b) => a + b,
  '_-_': (a, b) => a - b,
  '_*_': (a, b) => a * b,
  '_/_': (a, b) => a / b,
  '_%_': (a, b) => a % b,
};

const { DOUBLE, INT } = CelScalar;
const environment = celEnv({
  funcs: Object.entries(operators).flatMap(([name, apply]) => [
    celFunc(name, [DOUBLE, INT], DOUBLE, (a, b) => apply(a, Number(b))),
    celFunc(name, [INT, DOUBLE], DOUBLE, (a, b) => apply(Number(a), b)),
    ...(name === '_%_' ? [celFunc(name, [DOUBLE, DOUBLE], DOUBLE, apply)] : []),
  ]),
});

/** The value of an expression for one item. Throws a plain Error that quotes no value. */
export type ItemExpression = (item: Json, index: number, budget: Budget) => Json;

/** Compiles a CEL expression over `item` and `index`. Throws a plain Error with the parser’s message. */
export function compileForItems(text: string): ItemExpression {
  const parsed = parse(text);
  if (loopsIn(parsed) > MAX_NESTED_LOOPS)
    throw new Error(
      `more than ${String(MAX_NESTED_LOOPS)} loops (all, exists, map, filter) in each other`,
    );
  const evaluate = plan(environment, parsed);
  return (item, index, budget) => {
    // Without a prototype: the library would find `constructor` there.
    const scope = { __proto__: null, item: celOf(item), index };
    // SAFETY: a record of CEL inputs; the type of an object without prototype says nothing of its keys.
    const result = evaluate(scope as unknown as Record<string, CelInput>);
    if (isCelError(result)) throw new Error(told(result.message, text));
    return jsonOf(result, 0, budget);
  };
}

/** How many loops stand in each other at most: each multiplies what an expression costs by the length of a list. */
function loopsIn(expression: object): number {
  let most = 0;
  const open = [{ part: expression, loops: 0 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { part } = next;
    const loops = 'case' in part && part.case === 'comprehensionExpr' ? next.loops + 1 : next.loops;
    most = Math.max(most, loops);
    for (const inner of Object.values(part) as readonly unknown[])
      if (typeof inner === 'object' && inner !== null) open.push({ part: inner, loops });
  }
  return most;
}

/** The library’s texts about types and places; others may quote a value. */
const SAFE =
  /^(?:found no matching overload for |type mismatch: expected |unresolved attribute$|unbound function: |u?int [a-z]+ by zero$|u?int overflow|index -?\d+ out of bounds)/u;

function told(message: string, text: string): string {
  const missing = /^field not found: (.*)$/su.exec(message)?.[1];
  if (missing !== undefined) return text.includes(missing) ? message : 'field not found';
  return SAFE.test(message) ? message : 'a value does not have the form that is needed here';
}

/** Maps have no prototype to reach: `item.constructor` is a missing key. */
function celOf(value: Json): CelInput {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map((item: Json) => celOf(item));
  return new Map(Object.entries(value).map(([key, item]) => [key, celOf(item)]));
}

function jsonOf(value: unknown, depth: number, budget: Budget): Json {
  budget.left -= 1;
  if (budget.left < 0 || depth > MAX_DEPTH) throw new Error('the result is too large');
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'bigint') return numberOf(value);
  if (isCelUint(value)) return numberOf(value.value);
  if (isCelList(value)) return [...value].map((item) => jsonOf(item, depth + 1, budget));
  if (!isCelMap(value)) throw new Error('the result is not JSON');
  const entries: [string, Json][] = [];
  for (const [key, item] of value) {
    if (typeof key !== 'string') throw new Error('a key of the result is not a string');
    if (key === '__proto__') throw new Error('a key of the result is “__proto__”');
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
