import { unfit } from '@runtime-hub/plugin-sdk';
import { placeOf } from './json-text.ts';
import type { Delimiter } from './schemas.ts';

export interface Row {
  readonly cells: readonly string[];
  /** Where it begins in the text, from 0. */
  readonly start: number;
}

const MAX_CELLS = 200_000;
/** A cell without quotes, up to what ends it. */
const BARE: Readonly<Record<Delimiter, RegExp>> = {
  ',': /[^,"\r\n]*/uy,
  ';': /[^;"\r\n]*/uy,
  '\t': /[^\t"\r\n]*/uy,
  '|': /[^|"\r\n]*/uy,
};

/**
 * The rows of a CSV text (RFC 4180; lines end in LF, CRLF or CR; empty lines are left out), one at a time. Works on
 * whole pieces of the text: the isolate has no JIT, and looking at each character would take ten times as long.
 * Throws STEP_INPUT_INVALID with line and column, quoting nothing.
 */
export function* readCsv(text: string, delimiter: Delimiter): Generator<Row, void> {
  if (text.includes('\0')) throw malformed(text, text.indexOf('\0'), 'a NUL character');
  // A byte order mark is not part of the first name.
  let at = text.startsWith('\u{FEFF}') ? 1 : 0;
  let left = MAX_CELLS;
  while (at < text.length) {
    const { row, end } = readRow(text, delimiter, at);
    at = end;
    left -= row.cells.length;
    if (left < 0)
      throw unfit('/text', `has more than ${String(MAX_CELLS)} cells`, 'Split it before.');
    if (row.cells.length > 1 || row.cells[0] !== '') yield row;
  }
}

function readRow(text: string, delimiter: Delimiter, start: number): { row: Row; end: number } {
  const cells: string[] = [];
  let at = start;
  for (;;) {
    const cell = text[at] === '"' ? quotedCell(text, at) : bareCell(text, at, BARE[delimiter]);
    cells.push(cell.value);
    at = cell.end;
    const next = text[at];
    if (next === delimiter) at += 1;
    else if (next === undefined || next === '\n' || next === '\r') break;
    else throw malformed(text, at, text[at] === '"' ? LONE_QUOTE : AFTER_QUOTE);
  }
  if (text.startsWith('\r\n', at)) return { row: { cells, start }, end: at + 2 };
  return { row: { cells, start }, end: at + 1 };
}

const LONE_QUOTE = 'a quote inside a cell that does not begin with one';
const AFTER_QUOTE = 'text after the quote that ends a cell';

interface Cell {
  readonly value: string;
  readonly end: number;
}

function bareCell(text: string, at: number, bare: RegExp): Cell {
  bare.lastIndex = at;
  const value = bare.exec(text)?.[0] ?? '';
  return { value, end: at + value.length };
}

function quotedCell(text: string, start: number): Cell {
  let end = text.indexOf('"', start + 1);
  let doubled = false;
  while (end !== -1 && text[end + 1] === '"') {
    doubled = true;
    end = text.indexOf('"', end + 2);
  }
  if (end === -1) throw malformed(text, start, 'a quote that is never closed');
  const inner = text.slice(start + 1, end);
  return { value: doubled ? inner.replaceAll('""', '"') : inner, end: end + 1 };
}

const malformed = (text: string, at: number, what: string) =>
  unfit('/text', `is not CSV at ${placeOf(text, at)}: ${what}`, 'Mend the text, or set delimiter.');
