import type { Expectation } from './decision.ts';

/** The number above which the workflow clicks. */
export const THRESHOLD = 42;

/** Values every demo shows: around the threshold, with marks, and two that nobody can read as a number. */
const ALWAYS = ['41', '42', '43', '1,042', '42.5', '-6', '4Z', ''];

/** Same seed, same numbers in [0, 1) (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** `count` values for the window, the fixed ones among them, never the same twice in a row. */
export function demoValues(count: number, random: () => number): readonly string[] {
  const values = ALWAYS.slice(0, count);
  while (values.length < count) {
    const value = String(Math.floor(random() * 85));
    if (!values.includes(value)) values.push(value);
    else if (values.length >= 85) values.push(String(100 + values.length));
  }
  for (let i = values.length - 1; i > 0; i -= 1) {
    const j = Math.floor(random() * (i + 1));
    const [a, b] = [values[i] ?? '', values[j] ?? ''];
    values[i] = b;
    values[j] = a;
  }
  return values;
}

/** What a person would make of a shown text. */
export function expectationOf(shown: string): Expectation {
  if (!/^-?(\d+|\d{1,3}(,\d{3})+)(\.\d+)?$/u.test(shown))
    return { value: null, decision: 'unreadable' };
  const value = Number(shown.replaceAll(',', ''));
  return { value, decision: value > THRESHOLD ? 'click' : 'no-click' };
}
