import { unfit } from '@runtime-hub/plugin-sdk';
import type { Json } from '@runtime-hub/plugin-sdk/contract';
import { isObject, ownValue } from './plain-json.ts';

export interface CsvForm {
  readonly delimiter: string;
  readonly newline: string;
  readonly header: boolean;
  /** Keys of the columns, in order; those of all rows as they first come when empty. */
  readonly columns: readonly string[];
  /** What to do with text that a spreadsheet would run as a formula. */
  readonly formulas: 'escape' | 'keep' | 'refuse';
}

/** The lines of CSV (RFC 4180) for rows that are objects or lists. Throws STEP_INPUT_INVALID naming row and column. */
export function* writeCsv(rows: readonly Json[], form: CsvForm): Generator<string, void> {
  const columns = form.columns.length > 0 ? form.columns : columnsOf(rows);
  const line = (cells: readonly Json[], at: string): string => {
    const parts = cells.map((cell, index) => cellOf(cell, form, `${at}/${nameOf(columns, index)}`));
    // An only cell that is empty would be an empty line, which is no row.
    const only = parts.length === 1 && parts[0] === '';
    return (only ? '""' : parts.join(form.delimiter)) + form.newline;
  };
  if (form.header && columns.length > 0) yield line(columns, '/columns');
  for (const [index, row] of rows.entries()) {
    const at = `/rows/${String(index)}`;
    if (Array.isArray(row)) yield line(row, at);
    else if (isObject(row))
      yield line(
        columns.map((key) => ownValue(row, key) ?? null),
        at,
      );
    else throw unfit(at, 'is neither an object nor a list', 'Give rows of one of these.');
  }
}

const nameOf = (columns: readonly string[], index: number): string =>
  columns[index] ?? String(index);

function columnsOf(rows: readonly Json[]): readonly string[] {
  const names = new Set<string>();
  for (const row of rows) if (isObject(row)) for (const key of Object.keys(row)) names.add(key);
  return [...names];
}

/** As OWASP lists them: what makes a spreadsheet take a cell for a formula. */
const FORMULA = /^[=+\-@\t\r\n\u{FF1D}\u{FF0B}\u{FF0D}\u{FF20}]/u;
const NUMBER = /^[+-]?\d+(?:[.,]\d+)?(?:[eE][+-]?\d+)?$/u;

function cellOf(value: Json, { delimiter, formulas }: CsvForm, at: string): string {
  const raw = textOf(value, at);
  const runs = typeof value === 'string' && FORMULA.test(raw) && !NUMBER.test(raw);
  if (runs && formulas === 'refuse')
    throw unfit(at, 'begins like a formula', 'Change it, or set formulas to “escape”.');
  const text = runs && formulas === 'escape' ? `'${raw}` : raw;
  const quoted = text.includes(delimiter) || /["\r\n]|^\s|\s$/u.test(text);
  return quoted ? `"${text.replaceAll('"', '""')}"` : text;
}

function textOf(value: Json, at: string): string {
  if (value === null) return '';
  if (typeof value === 'object')
    throw unfit(at, 'is an object or a list', 'Pick single values before, or write it as JSON.');
  const text = String(value);
  if (text.includes('\0')) throw unfit(at, 'has a NUL character', 'Remove it before.');
  return text;
}
