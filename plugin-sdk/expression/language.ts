import type * as Library from '@bufbuild/cel';
import type { Json } from '../contract/index.ts';

/** What is used of the CEL library; by name, so that a plugin's bundle holds no more of it. */
export type CelLibrary = Pick<
  typeof Library,
  | 'CelScalar'
  | 'celEnv'
  | 'celFunc'
  | 'isCelError'
  | 'isCelList'
  | 'isCelMap'
  | 'isCelUint'
  | 'parse'
  | 'plan'
>;

/** How many values may still come; shared by the parts of one output. */
export interface Budget {
  left: number;
}

interface LanguageOptions<Variable extends string> {
  readonly library: CelLibrary;
  /** What an expression can see. */
  readonly variables: readonly Variable[];
  /** Levels a result may be nested. */
  readonly maxDepth: number;
  /** Throws a plain Error for a key that no result may have. */
  readonly checkKey?: (key: string) => void;
}

type Evaluate<Variable extends string> = (
  scope: Readonly<Record<Variable, Json>>,
  budget: Budget,
) => Json;

export interface Language<Variable extends string> {
  /**
   * Compiles an expression. Throws a plain Error with the parser's message; evaluating throws one that quotes no value.
   */
  compile(text: string): Evaluate<Variable>;
  /** The parsed expression (cel.expr.ParsedExpr of the CEL specification). Throws like `compile`. */
  parse(text: string): object;
}

const MAX_NESTED_LOOPS = 2;

/** CEL over JSON, with the variables given: plain expressions that always end, and reach nothing of the platform. */
export function createLanguage<const Variable extends string>({
  library,
  variables,
  ...limits
}: LanguageOptions<Variable>): Language<Variable> {
  const { isCelError, parse, plan } = library;
  const environment = library.celEnv({ funcs: mixedArithmetic(library) });
  const jsonOf = resultReader(library, limits);
  return {
    parse,
    compile: (text) => {
      const parsed = parse(text);
      if (loopsIn(parsed) > MAX_NESTED_LOOPS)
        throw new Error(
          `more than ${String(MAX_NESTED_LOOPS)} loops (all, exists, map, filter) in each other`,
        );
      const evaluate = plan(environment, parsed);
      return (scope, budget) => {
        // Without a prototype: the library would find `constructor` there.
        const seen: Record<string, Library.CelInput> = { __proto__: null };
        for (const name of variables) seen[name] = celOf(scope[name]);
        const result = evaluate(seen);
        if (isCelError(result)) throw new Error(told(result.message, text));
        return jsonOf(result, 0, budget);
      };
    },
  };
}

/** JSON knows only one kind of number, so `inputs.n + 1` must work; CEL itself refuses double with int. */
function mixedArithmetic({ celFunc, CelScalar: { DOUBLE, INT } }: CelLibrary) {
  const operators: Readonly<Record<string, (a: number, b: number) => number>> = {
    '_+_': (a, b) => a + b,
    '_-_': (a, b) => a - b,
    '_*_': (a, b) => a * b,
    '_/_': (a, b) => a / b,
    '_%_': (a, b) => a % b,
  };
  return Object.entries(operators).flatMap(([name, apply]) => [
    celFunc(name, [DOUBLE, INT], DOUBLE, (a, b) => apply(a, Number(b))),
    celFunc(name, [INT, DOUBLE], DOUBLE, (a, b) => apply(Number(a), b)),
    ...(name === '_%_' ? [celFunc(name, [DOUBLE, DOUBLE], DOUBLE, apply)] : []),
  ]);
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
function celOf(value: Json): Library.CelInput {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map((item: Json) => celOf(item));
  return new Map(Object.entries(value).map(([key, item]) => [key, celOf(item)]));
}

/** Turns the library's values into JSON. */
function resultReader(
  { isCelList, isCelMap, isCelUint }: CelLibrary,
  { maxDepth, checkKey }: Pick<LanguageOptions<string>, 'maxDepth' | 'checkKey'>,
) {
  return function jsonOf(value: unknown, depth: number, budget: Budget): Json {
    budget.left -= 1;
    if (budget.left < 0 || depth > maxDepth) throw new Error('the result is too large');
    if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
    if (typeof value === 'number' || typeof value === 'bigint') return numberOf(value);
    if (isCelUint(value)) return numberOf(value.value);
    if (isCelList(value)) return [...value].map((item) => jsonOf(item, depth + 1, budget));
    if (!isCelMap(value)) throw new Error('the result is not JSON');
    const entries: [string, Json][] = [];
    for (const [key, item] of value) {
      if (typeof key !== 'string') throw new Error('a key of the result is not a string');
      checkKey?.(key);
      entries.push([key, jsonOf(item, depth + 1, budget)]);
    }
    return Object.fromEntries(entries);
  };
}

function numberOf(value: number | bigint): Json {
  const number = Number(value);
  if (!Number.isFinite(number)) throw new Error('the result is not a finite number');
  if (typeof value === 'bigint' && !Number.isSafeInteger(number)) return value.toString();
  return number;
}
