import type { Box } from './components.ts';
import type { Line } from './engine.ts';
import type { Grey } from './preprocess.ts';

const PLAIN = /^\d+(?:\.\d+)?$/;
const GROUPED = /^\d{1,3}(?:,\d{3})+(?:\.\d+)?$/;
const SIGN = /^[-\u2212\u2013\u2014]\s*/;
/** Tesseract often reads one minus as two; the shapes tell how many there are. */
const SIGNS = /^(?:[-\u2212\u2013\u2014]\s*)+/;
/** From this confidence on one look is enough when the shapes fit what was read. */
const SURE = 80;
/** Smaller print is blown up so much that Tesseract is sure of what is not there. */
const SMALL_PX = 14;

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
  /** Height of the line in pixels. */
  readonly height: number;
  /** Parts as tall as digits. */
  readonly digits: number;
  /** Marks on the base line: decimal points and commas. */
  readonly marks: number;
  /** Those that hang like commas. */
  readonly commas: number;
}

/** Looks for a minus before the digits and for marks between them. `parts` from left to right. */
export function shapesOf(parts: readonly Box[], line: Box): Shapes {
  const isDigit = (part: Box): boolean => part.height > line.height * 0.5;
  const first = Math.max(0, parts.findIndex(isDigit));
  const marks = parts
    .slice(first)
    .filter((part) => part.height < line.height * 0.45 && middle(part, line) > 0.7);
  return {
    minus: minusIn(parts.slice(0, first), line),
    height: line.height,
    digits: parts.filter(isDigit).length,
    marks: marks.length,
    commas: marks.filter((part) => part.height > part.width * 2).length,
  };
}

function minusIn([only, second]: readonly Box[], line: Box): Shapes['minus'] {
  if (only === undefined) return 'no';
  const flat = only.width >= only.height * 1.4 && only.height <= line.height * 0.3;
  const centred = middle(only, line) > 0.3 && middle(only, line) < 0.8;
  return second === undefined && flat && centred ? 'yes' : 'unsure';
}

function middle(part: Box, line: Box): number {
  return (part.y + part.height / 2 - line.y) / line.height;
}

/** The number one look made out, if the shapes do not speak against it. */
export function numberIn({ text }: Line, shapes: Shapes): number | null {
  const value = parseNumber(text.replace(SIGNS, ''));
  if (value === null || shapes.minus === 'unsure') return null;
  const [points, commas] = [countOf(text, '.'), countOf(text, ',')];
  if (shapes.marks > points + commas) return null;
  if (shapes.marks === points + commas && points > shapes.marks - shapes.commas) return null;
  if (shapes.minus === 'yes') return value === 0 ? null : -value;
  return SIGN.test(text) ? null : value;
}

/** True when one look is enough: it is sure, and there are as many digits and marks as it read. */
export function isSure({ text, confidence }: Line, shapes: Shapes): boolean {
  const digits = text.replaceAll(/\D/g, '').length;
  const marks = countOf(text, '.') + countOf(text, ',');
  if (confidence < SURE || shapes.height < SMALL_PX) return false;
  return shapes.digits === digits && shapes.marks === marks;
}

const countOf = (text: string, mark: string): number => text.split(mark).length - 1;

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
  const cells = cellsOf(big, digits.length);
  if (cells === null) return false;
  return cells.every((part, index) => !isZ(digits[index] ?? '', grey, part));
}

/** One box a digit: parts that hold several, as small print does, are cut evenly. Null when it does not come out. */
function cellsOf(parts: readonly Box[], digits: number): readonly Box[] | null {
  const width = parts.reduce((sum, part) => sum + part.width, 0) / digits;
  const cells = parts.flatMap((part) => {
    const held = Math.max(1, Math.round(part.width / width));
    return Array.from({ length: held }, (_, index) => ({
      ...part,
      x: part.x + Math.round((index * part.width) / held),
      width: Math.round(part.width / held),
    }));
  });
  return cells.length === digits ? cells : null;
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
