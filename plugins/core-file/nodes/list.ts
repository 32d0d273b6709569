import * as Type from '@runtime-hub/plugin-sdk/schema';
import { defineNode } from '@runtime-hub/plugin-sdk';
import { Path, ask, pathOf } from './common.ts';

/** What a folder holds under one name. */
const Entry = Type.Object({
  name: Type.String(),
  path: Type.String(),
  kind: Type.Unsafe<'file' | 'folder' | 'link' | 'other'>({
    enum: ['file', 'folder', 'link', 'other'],
  }),
  sizeBytes: Type.Integer(),
  /** Milliseconds since 1970. */
  modifiedAt: Type.Number(),
});

type Found = Omit<Type.Static<typeof Entry>, 'path'>;

/** Lists a folder. */
export const listNode = defineNode({
  type: 'list',
  title: 'List a folder',
  description: 'Gives what is in a folder, sorted by name.',
  effect: 'idempotent',
  config: Type.Object(
    {
      path: Type.Optional(Path),
      only: Type.Optional(Type.Unsafe<'file' | 'folder'>({ enum: ['file', 'folder'] })),
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000, default: 1000 })),
    },
    { additionalProperties: false },
  ),
  inputs: { path: Path },
  optionalInputs: ['path'],
  outputs: {
    entries: Type.Array(Entry),
    /** True when there is more in the folder than was looked at. */
    truncated: Type.Boolean(),
  },
  uses: ['fs.read'],
  async run({ config, inputs, context }) {
    const { only, limit } = config;
    const path = pathOf('path', config, inputs);
    const { entries, truncated } = await ask<{
      readonly entries: readonly Found[];
      readonly truncated: boolean;
    }>(context, ['fs.read', 'list'], { path, ...(limit === undefined ? {} : { limit }) });
    const wanted = entries.filter(({ kind }) => only === undefined || kind === only);
    const below = path.endsWith('/') ? path : `${path}/`;
    return { entries: wanted.map((it) => ({ ...it, path: `${below}${it.name}` })), truncated };
  },
});
