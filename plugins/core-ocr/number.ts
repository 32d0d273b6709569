import type { Box } from './grey.ts';

/** What one look at a picture gave. */
export interface Look {
  readonly text: string;
  /** 0 to 100. */
  readonly confidence: number;
}

/** An unsigned number read by one look alone needs this much confidence. */
const SURE = 75;

/** The number a text is, exactly as a person would read it; null for anything else. */
export function parseNumber(text: string): number | null {
  const plain = text.replaceAll(/\s/gu, '').replaceAll(/[\u2010-\u2015\u2212]/gu, '-');
  if (!/^-?(\d+|\d{1,3}(,\d{3})+)(\.\d+)?$/u.test(plain)) return null;
  return Number(plain.replaceAll(',', ''));
}

/**
 * The number that two looks at the same picture stand for. They must agree, or one be sure of an unsigned number while the
 * other saw nothing. The minus sign is judged by the picture itself: engines lose it with high confidence.
 */
export function agreed(first: Look, second: Look, hasMinus: boolean): number | null {
  const [a, b] = [magnitudeOf(first.text), magnitudeOf(second.text)];
  if (a !== null && a === b) return signed(a, [first, second], hasMinus);
  if (hasMinus) return null;
  if (a !== null && second.text === '' && first.confidence >= SURE) return a;
  if (b !== null && first.text === '' && second.confidence >= SURE) return b;
  return null;
}

/** True when the leftmost piece of ink is a minus sign: flat, wide and at half height of the rest. */
export function startsWithMinus(pieces: readonly Box[]): boolean {
  const [first, ...rest] = pieces;
  if (first === undefined || rest.length === 0) return false;
  const top = Math.min(...rest.map((box) => box.y));
  const bottom = Math.max(...rest.map((box) => box.y + box.height));
  const height = bottom - top;
  const middle = (first.y + first.height / 2 - top) / height;
  return (
    first.width >= 1.4 * first.height &&
    first.height <= 0.3 * height &&
    middle > 0.3 &&
    middle < 0.8
  );
}

function magnitudeOf(text: string): number | null {
  const value = parseNumber(text);
  return value === null ? null : Math.abs(value);
}

function signed(magnitude: number, looks: readonly Look[], hasMinus: boolean): number | null {
  const readMinus = looks.some((look) => /^\s*[-\u2010-\u2015\u2212]/u.test(look.text));
  if (hasMinus) return -magnitude;
  return readMinus ? null : magnitude;
}
