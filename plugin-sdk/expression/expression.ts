import type { Json } from '../contract/index.ts';
import { cel, type Scope } from './cel.ts';

const MAX_VALUES = 100_000;
const MAX_LENGTH = 2000;
const compiled = new Map<string, (scope: Scope) => Json>();

/** Compiles a CEL expression, once per text. Throws a plain Error with the parser's message. */
export function compileExpression(text: string): (scope: Scope) => Json {
  const known = compiled.get(text);
  if (known !== undefined) return known;
  if (text.length > MAX_LENGTH) throw new Error(`longer than ${String(MAX_LENGTH)} characters`);
  const evaluate = cel().compile(text);
  const run = (scope: Scope): Json => evaluate(scope, { left: MAX_VALUES });
  if (compiled.size >= 10_000) compiled.clear();
  compiled.set(text, run);
  return run;
}
