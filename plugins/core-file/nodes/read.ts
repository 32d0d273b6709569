import * as Type from '@runtime-hub/plugin-sdk/schema';
import { codeOf, defineNode } from '@runtime-hub/plugin-sdk';
import { BlobHandle } from '@runtime-hub/plugin-sdk/contract';
import { Path, ask, pathOf } from './common.ts';

const LARGEST_BYTES = 67_108_864;

/** What is kept differently when it is no text of a size that fits a port. */
const UNFIT: readonly (string | null)[] = ['FILE_TOO_LARGE', 'FILE_REFUSED'];

interface Read {
  readonly text?: string;
  readonly blob?: BlobHandle;
  readonly sizeBytes: number;
  readonly modifiedAt: number;
}

/** Reads a file. */
export const readNode = defineNode({
  type: 'read',
  title: 'Read a file',
  description:
    'Gives a file’s text, or a blob of its bytes: “auto” gives text when it is UTF-8 of at most 512 KiB.',
  effect: 'idempotent',
  config: Type.Object(
    {
      path: Type.Optional(Path),
      as: Type.Optional(
        Type.Unsafe<'auto' | 'text' | 'blob'>({ enum: ['auto', 'text', 'blob'], default: 'auto' }),
      ),
      maxBytes: Type.Optional(Type.Integer({ minimum: 0, maximum: LARGEST_BYTES })),
    },
    { additionalProperties: false },
  ),
  inputs: { path: Path },
  optionalInputs: ['path'],
  outputs: {
    text: Type.String(),
    blob: BlobHandle,
    /** Milliseconds since 1970 as `modifiedAt`. */
    about: Type.Object({
      path: Type.String(),
      sizeBytes: Type.Integer(),
      modifiedAt: Type.Number(),
    }),
  },
  uses: ['fs.read'],
  async run({ config, inputs, context }) {
    const { as = 'auto', maxBytes } = config;
    const path = pathOf('path', config, inputs);
    const read = async (keep: 'text' | 'blob'): Promise<Read> =>
      await ask(context, ['fs.read', 'read'], {
        path,
        keep,
        ...(maxBytes === undefined ? {} : { maxBytes }),
      });
    const { text, blob, sizeBytes, modifiedAt } = await (as === 'auto'
      ? read('text').catch(async (error: unknown) => {
          if (UNFIT.includes(codeOf(error))) return await read('blob');
          throw error;
        })
      : read(as));
    const about = { path, sizeBytes, modifiedAt };
    if (text !== undefined) return { text, about };
    return blob === undefined ? { about } : { blob, about };
  },
});
