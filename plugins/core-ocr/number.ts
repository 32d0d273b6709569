import type { Box } from './components.ts';
import type { Line } from './engine.ts';
import type { Grey } from './preprocess.ts';

const PLAIN = /^\d+(?:\.\d+)?$/;
const GROUPED = /^\d{1,3}(?:,\d{3})+(?:\.\d+)?$/;
const SIGN = /^[-\u2212\u2013\u2014]\s*/;
/** Tesseract often reads one minus as two; the shapes tell how many there are. */
const SIGNS = /^(?:[-\u2212\u2013\u2014]\s*)+/;
const SURE = 75;

/** The number a text is; null when it is anything else. Nothing is left out or guessed. */
export function parseNumber(text: string): number | null {
  const trimmed = text.trim();
  const digits = trimmed.replace(SIGN, '');
  if (!PLAIN.test(digits) && !GROUPED.test(digits)) return null;
  const value = Number(digits.replaceAll(',', ''));
  if (!Number.isFinite(value) || Math.abs(value) > Number.MAX_SAFE_INTEGER) return null;
  return digits === trimmed || value === 0 ? value : -value;
}

/** What the shapes say about a number, apart from what Tesseract read. */
export interface Shapes {
  readonly minus: 'yes' | 'no' | 'unsure';
  /** Marks on the base line: decimal points and commas. */
  readonly marks: number;
}

/** Looks for a minus before the digits and for marks between them. `parts` from left to right. */
export function shapesOf(parts: readonly Box[], line: Box): Shapes {
  const big = parts.findIndex((part) => part.height > line.height * 0.5);
  const before = parts.slice(0, Math.max(0, big));
  const marks = parts
    .slice(Math.max(0, big))
    .filter((part) => part.height < line.height * 0.45 && middle(part, line) > 0.7).length;
  const [only, second] = before;
  if (only === undefined) return { minus: 'no', marks };
  const flat = only.width >= only.height * 1.4 && only.height <= line.height * 0.3;
  const centred = middle(only, line) > 0.3 && middle(only, line) < 0.8;
  return { minus: second === undefined && flat && centred ? 'yes' : 'unsure', marks };
}

function middle(part: Box, line: Box): number {
  return (part.y + part.height / 2 - line.y) / line.height;
}

/**
 * The number that two readings of the same picture stand for; null unless certain: both agree, or one is sure, has no
 * sign, and the other made out nothing at all. The shapes must not speak against it.
 */
export function decide(first: Line, second: Line, shapes: Shapes): number | null {
  const value = agreed(first, second);
  if (value === null || shapes.minus === 'unsure') return null;
  const marks = first.text.replaceAll(/[^.,]/g, '').length;
  if (shapes.marks > marks && shapes.marks > 0) return null;
  if (shapes.minus === 'yes') return value === 0 ? null : -value;
  return SIGN.test(first.text) || SIGN.test(second.text) ? null : value;
}

function agreed(first: Line, second: Line): number | null {
  const [a, b] = [first, second].map(({ text }) => parseNumber(text.replace(SIGNS, '')));
  if (a === b) return a ?? null;
  if (b === null && second.text === '' && first.confidence >= SURE) return a ?? null;
  return null;
}

/**
 * Whether the digits have gaps like digits, and no 7 or 2 that Tesseract read has the bars of a Z ("4Z" is read as 47
 * with confidence 92). False also when the parts cannot be told apart.
 */
export function looksLikeDigits(
  text: string,
  { grey, parts, box }: { readonly grey: Grey; readonly parts: readonly Box[]; readonly box: Box },
): boolean {
  const gap = parts.some((part, index) => {
    const before = parts[index - 1];
    if (before === undefined || before.height < box.height * 0.5) return false;
    return part.x - before.x - before.width > box.height * 0.4;
  });
  if (gap) return false;
  const digits = text.replaceAll(/\D/g, '');
  if (!/[27]/.test(digits)) return true;
  const big = parts.filter((part) => part.height > box.height * 0.5);
  if (big.length !== digits.length) return false;
  return big.every((part, index) => !isZ(digits[index] ?? '', grey, part));
}

function isZ(digit: string, grey: Grey, part: Box): boolean {
  if (digit === '7') return bar(grey, part, part.y + part.height - 1) > 0.6;
  return digit === '2' && bar(grey, part, part.y) > 0.8;
}

/** How much of a part's width is ink in a row. */
function bar({ pixels, width }: Grey, part: Box, y: number): number {
  let count = 0;
  for (let x = part.x; x < part.x + part.width; x += 1) {
    if ((pixels[y * width + x] ?? 255) < 150) count += 1;
  }
  return count / part.width;
}
