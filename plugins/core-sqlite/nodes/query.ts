import * as Type from '@runtime-hub/plugin-sdk/schema';
import { defineNode, unfit } from '@runtime-hub/plugin-sdk';
import { AnyJson, BlobHandle } from '@runtime-hub/plugin-sdk/contract';
import { openCopy } from '../open-copy.ts';
import { readRows } from '../read-rows.ts';

const LONGEST_MS = 30_000;
const MAX_DATABASE_BYTES = 67_108_864;

/** Asks a database. */
export const queryNode = defineNode({
  type: 'query',
  title: 'Query SQLite',
  description:
    'Asks a SQLite database, which arrives as a blob, with one SELECT and parameters. The database is only read.',
  effect: 'idempotent',
  timeoutMs: LONGEST_MS,
  config: Type.Object(
    {
      sql: Type.String({ minLength: 1, maxLength: 20_000 }),
      /** By place (`?`) as a list or by name (`:name`) as an object. */
      parameters: Type.Optional(AnyJson),
      maxRows: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000, default: 1000 })),
    },
    { additionalProperties: false },
  ),
  inputs: { database: BlobHandle, parameters: AnyJson },
  optionalInputs: ['parameters'],
  outputs: {
    rows: Type.Array(Type.Record(Type.String(), AnyJson)),
    columns: Type.Array(Type.String()),
    count: Type.Integer(),
    /** There are more rows than maxRows. */
    more: Type.Boolean(),
  },
  async run({ config: { sql, parameters = [], maxRows = 1000 }, inputs, context }) {
    if (inputs.database.sizeBytes > MAX_DATABASE_BYTES)
      throw unfit('/database', 'is larger than 64 MiB', 'Take a smaller one.');
    using copy = openCopy(await context.blobs.read(inputs.database));
    const asked = { sql, parameters: inputs.parameters ?? parameters, maxRows };
    const found = readRows(copy, asked);
    return { ...found, count: found.rows.length };
  },
});
