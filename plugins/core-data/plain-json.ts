import { unfit } from '@runtime-hub/plugin-sdk';
import type { Json } from '@runtime-hub/plugin-sdk/contract';
import type { Budget } from '@runtime-hub/plugin-sdk/expression';

/** Levels a value may be nested; a frame to the hub may hold 64, some of them its own. */
export const MAX_DEPTH = 48;
const MAX_VALUES = 100_000;

export const newBudget = (): Budget => ({ left: MAX_VALUES });

/**
 * Null for undefined, else the value itself. Throws STEP_INPUT_INVALID for what no frame may hold: too deep, too much,
 * a function, a key `__proto__`.
 */
export function checkedJson(value: unknown, at: string): Json {
  walk(value, at, newBudget(), 0);
  // SAFETY: just walked; a part that is undefined becomes null, or is left out, on its way to the hub.
  return (value ?? null) as Json;
}

function walk(value: unknown, at: string, budget: Budget, depth: number): void {
  budget.left -= 1;
  if (budget.left < 0)
    throw unfit(at, `has more than ${String(MAX_VALUES)} values`, 'Make it smaller before.');
  if (typeof value === 'function') throw unfit(at, 'is, or has, a function', CALL_IT);
  if (typeof value !== 'object' || value === null) return;
  if (depth >= MAX_DEPTH)
    throw unfit(at, `is nested deeper than ${String(MAX_DEPTH)}`, 'Make it flatter before.');
  if (Array.isArray(value)) {
    for (const item of value as readonly unknown[]) walk(item, at, budget, depth + 1);
    return;
  }
  for (const key of Object.keys(value)) {
    checkKey(key, at);
    // SAFETY: one of its own keys.
    walk((value as Readonly<Record<string, unknown>>)[key], at, budget, depth + 1);
  }
}

const CALL_IT = 'Give what the function gives: call it.';

/** Throws for the one key that would reach into prototypes. */
export function checkKey(key: string, at: string): void {
  if (key === '__proto__') throw unfit(at, 'has the key “__proto__”', 'Rename that key before.');
}

/** True for a JSON object, which arrays are not. */
export const isObject = (value: unknown): value is Readonly<Record<string, Json>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The value under a key of its own; undefined for a missing key and for what is no object. */
export const ownValue = (value: unknown, key: string): Json | undefined =>
  isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
