import type { StepContext } from '@runtime-hub/plugin-sdk';
import type { Json } from '@runtime-hub/plugin-sdk/contract';
import jsonata from 'jsonata';
import { turns } from './turns.ts';

const MAX_STACK = 200;
const MAX_SEQUENCE = 100_000;
const MAX_STEPS = 1_000_000;
const MAX_PAD = 10_000;
const LOOK_EVERY = 64;

/** What gives something else each time, which a pure node may not. */
const REFUSED = ['now', 'millis', 'random', 'shuffle'];
/** Where the library asks for what is called before each part of an expression. */
const BEFORE_EACH = Symbol.for('jsonata.__evaluate_entry');

/**
 * What a JSONata expression makes of a value. Depth, steps and sequences are bounded; the step’s deadline ends the rest.
 * Throws a plain Error that quotes no value.
 */
export async function transformed(
  expression: string,
  value: Json,
  context: Pick<StepContext, 'signal' | 'sleep'>,
): Promise<unknown> {
  return await turns.take(context, async (pause) => {
    const compiled = compile(expression);
    let steps = 0;
    const beforeEach = (): Promise<void> | null => {
      steps += 1;
      if (steps > MAX_STEPS) throw new Refusal(`it takes more than ${String(MAX_STEPS)} steps`);
      return steps % LOOK_EVERY === 0 ? pause() : null;
    };
    // SAFETY: names may be symbols too, as the library’s own Environment type says.
    compiled.assign(BEFORE_EACH as unknown as string, beforeEach);
    try {
      return withoutFunction((await compiled.evaluate(value)) as unknown);
    } catch (error) {
      throw context.signal.aborted ? error : told(error);
    }
  });
}

/** The library’s functions are objects with all they can see: endless to walk. */
function withoutFunction(result: unknown): unknown {
  const fields = fieldsOf(result);
  if (fields['_jsonata_lambda'] === true || fields['_jsonata_function'] === true)
    throw new Refusal('it gives a function; call it');
  return result;
}

function compile(expression: string): jsonata.Expression {
  try {
    const compiled = jsonata(expression, { stack: MAX_STACK, sequence: MAX_SEQUENCE });
    for (const name of REFUSED) compiled.registerFunction(name, refuse(name));
    compiled.registerFunction('pad', pad, '<s-ns?:s>');
    return compiled;
  } catch (error) {
    throw told(error);
  }
}

const refuse = (name: string) => (): never => {
  throw new Refusal(`$${name} is not offered: the same input must give the same result`);
};

/** The library’s own lets a short expression ask for more memory than there is. */
function pad(text: string | undefined, width: number, character = ' '): string | undefined {
  if (text === undefined) return undefined;
  const wanted = Math.abs(Math.trunc(width));
  if (wanted > MAX_PAD) throw new Refusal(`$pad gives at most ${String(MAX_PAD)} characters`);
  const signs = Array.from(character === '' ? ' ' : character);
  const missing = Math.max(0, wanted - Array.from(text).length);
  const added = Array.from({ length: missing }, (_, index) => signs[index % signs.length]).join('');
  return width < 0 ? added + text : text + added;
}

/** A text of ours, which quotes no value. */
class Refusal extends Error {}

/** The library throws objects with a code and texts that quote values; here are the same in words that don’t. */
function told(error: unknown): Error {
  if (error instanceof Refusal) return error;
  const { code, position, token } = fieldsOf(error);
  const at = typeof position === 'number' ? ` at character ${String(position)}` : '';
  const what = typeof token === 'string' && token.length <= 40 ? ` near “${token}”` : '';
  const name = typeof code === 'string' ? ` (JSONata ${code})` : '';
  return new Error(`${reasonFor(String(code))}${at}${what}${name}`);
}

// SAFETY: what is thrown is an object with fields of any type; each is looked at before it is used.
const fieldsOf = (error: unknown) => Object(error) as Readonly<Record<string, unknown>>;

function reasonFor(code: string): string {
  const known: Readonly<Record<string, string>> = {
    D1001: 'a number is out of range',
    D1011: `functions call each other deeper than ${String(MAX_STACK)}`,
    D2014: 'a range is longer than 10,000,000',
    D2015: `a sequence is longer than ${String(MAX_SEQUENCE)}`,
    D3137: 'the expression’s own $error',
    D3141: 'the expression’s own $assert',
    T1006: 'what is called is no function',
  };
  const reason = known[code];
  if (reason !== undefined) return reason;
  if (code.startsWith('S')) return 'the expression is malformed';
  return code.startsWith('T') ? 'a value has the wrong type' : 'it can’t be computed';
}
