import { unfit } from '@runtime-hub/plugin-sdk';
import type { Json } from '@runtime-hub/plugin-sdk/contract';
import { faultOf } from './json-fault.ts';
import { MAX_DEPTH, checkedJson } from './plain-json.ts';

/** The value that a JSON text (RFC 8259) stands for. Throws STEP_INPUT_INVALID with line and column, quoting nothing. */
export function parseJsonText(text: string, at: string): Json {
  checkDepth(text, at);
  try {
    // SAFETY: JSON.parse gives JSON.
    const value = JSON.parse(text) as Json;
    // Its depth is known, so only a key can be wrong, however it is written.
    return /__proto__|\\u/u.test(text) ? checkedJson(value, at) : value;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  const { where, expected } = faultOf(text);
  const message = `is not JSON at ${placeOf(text, where)}: expected ${expected}`;
  throw unfit(at, message, 'Mend the text, or take it from another port.');
}

/** `line 3, column 7`, both from 1. */
export function placeOf(text: string, index: number): string {
  const before = text.slice(0, index);
  const line = before.split('\n').length;
  return `line ${String(line)}, column ${String(index - before.lastIndexOf('\n'))}`;
}

/** Before it is parsed: a text of brackets alone would take all the memory there is. */
function checkDepth(text: string, at: string): void {
  let depth = 0;
  const marks = /"(?:[^"\\]+|\\.)*"?|[[\]{}]/gsu;
  for (let mark = marks.exec(text); mark !== null; mark = marks.exec(text)) {
    const [found] = mark;
    if (found === '[' || found === '{') depth += 1;
    else if (found === ']' || found === '}') depth -= 1;
    if (depth > MAX_DEPTH) {
      const message = `is nested deeper than ${String(MAX_DEPTH)} at ${placeOf(text, mark.index)}`;
      throw unfit(at, message, 'Make it flatter before.');
    }
  }
}
