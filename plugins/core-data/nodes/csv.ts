import * as Type from '@runtime-hub/plugin-sdk/schema';
import { defineNode, unfit } from '@runtime-hub/plugin-sdk';
import type { Json } from '@runtime-hub/plugin-sdk/contract';
import { readCsv, type Row } from '../csv-read.ts';
import { writeCsv } from '../csv-write.ts';
import { placeOf } from '../json-text.ts';
import { checkKey } from '../plain-json.ts';
import { Delimiter, Items, Names } from '../schemas.ts';
import { turns } from '../turns.ts';

/** Reads CSV text. */
export const parseCsvNode = defineNode({
  type: 'parse-csv',
  title: 'Parse CSV',
  description:
    'Reads CSV text: each row an object by the names of the first row, or a list where there is no header. An error names line and column.',
  effect: 'pure',
  config: Type.Object(
    {
      delimiter: Type.Optional(Delimiter),
      header: Type.Optional(Type.Boolean({ default: true })),
      /** Names of columns whose cells become numbers; an empty cell becomes null. */
      numbers: Type.Optional(Names),
    },
    { additionalProperties: false },
  ),
  inputs: { text: Type.String() },
  outputs: { rows: Items, columns: Type.Array(Type.String()), count: Type.Integer() },
  async run({
    config: { delimiter = ',', header = true, numbers = [] },
    inputs: { text },
    context,
  }) {
    const source = readCsv(text, delimiter);
    const columns = header ? namesOf(source.next().value ?? undefined, text) : [];
    const wanted = columnsIn(columns, numbers);
    function* read(): Generator<Json, void> {
      for (const row of source) yield header ? objectOf(row, columns, wanted, text) : row.cells;
    }
    const rows = await turns.collect(context, read());
    return { rows, columns, count: rows.length };
  },
});

function columnsIn(columns: readonly string[], names: readonly string[]): ReadonlySet<string> {
  const missing = names.findIndex((name) => !columns.includes(name));
  if (missing === -1) return new Set(names);
  const at = `/numbers/${String(missing)}`;
  throw unfit(at, 'names a column that is not there', 'Correct the name, or set header to true.');
}

function namesOf(row: Row | undefined, text: string): string[] {
  const seen = new Set<string>();
  for (const name of row?.cells ?? []) {
    checkKey(name, '/text');
    if (seen.has(name))
      throw unfit('/text', `names two columns alike at ${placeOf(text, row?.start ?? 0)}`, RENAME);
    seen.add(name);
  }
  return [...seen];
}

const RENAME = 'Rename one, or set header to false.';

function objectOf(
  { cells, start }: Row,
  columns: readonly string[],
  numbers: ReadonlySet<string>,
  text: string,
): Json {
  if (cells.length !== columns.length) {
    const counts = `${String(cells.length)} cells instead of ${String(columns.length)}`;
    throw unfit('/text', `has ${counts} at ${placeOf(text, start)}`, 'Mend the row.');
  }
  return Object.fromEntries(
    columns.map((name, index) => {
      const cell = cells[index] ?? '';
      return [name, numbers.has(name) ? numberOf(cell, () => placeOf(text, start)) : cell];
    }),
  );
}

function numberOf(cell: string, place: () => string): number | null {
  if (cell.trim() === '') return null;
  const number = /^\s*[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?\s*$/u.test(cell) ? Number(cell) : NaN;
  if (Number.isFinite(number)) return number;
  throw unfit('/text', `has no number at ${place()}`, 'Mend the cell, or take the column as text.');
}

/** Writes CSV text. */
export const toCsvNode = defineNode({
  type: 'to-csv',
  title: 'To CSV',
  description:
    'Writes rows, which are objects or lists, as CSV text that a spreadsheet opens safely.',
  effect: 'pure',
  config: Type.Object(
    {
      delimiter: Type.Optional(Delimiter),
      header: Type.Optional(Type.Boolean({ default: true })),
      columns: Type.Optional(Names),
      newline: Type.Optional(Type.Unsafe<'crlf' | 'lf'>({ enum: ['crlf', 'lf'], default: 'crlf' })),
      /** What begins like a formula: put `'` before it · keep it · fail. */
      formulas: Type.Optional(
        Type.Unsafe<'escape' | 'keep' | 'refuse'>({
          enum: ['escape', 'keep', 'refuse'],
          default: 'escape',
        }),
      ),
    },
    { additionalProperties: false },
  ),
  inputs: { rows: Items },
  outputs: { text: Type.String() },
  async run({ config, inputs: { rows }, context }) {
    const { delimiter = ',', header = true, columns = [], newline, formulas = 'escape' } = config;
    const form = {
      delimiter,
      header,
      columns,
      formulas,
      newline: newline === 'lf' ? '\n' : '\r\n',
    };
    return { text: (await turns.collect(context, writeCsv(rows, form))).join('') };
  },
});
