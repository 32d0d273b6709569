import * as Type from '@runtime-hub/plugin-sdk/schema';
import { defineNode } from '@runtime-hub/plugin-sdk';
import { BlobHandle } from '@runtime-hub/plugin-sdk/contract';
import { FileChange, Path, ask, pathOf } from './common.ts';

/** Writes a file whole, or not at all. */
export const writeNode = defineNode({
  type: 'write',
  title: 'Write a file',
  description:
    'Creates, replaces or appends to a file, whole or not at all. What was there can be brought back until the run ends.',
  effect: 'external',
  config: Type.Object(
    {
      path: Type.Optional(Path),
      mode: Type.Optional(
        Type.Unsafe<'create' | 'replace' | 'append'>({
          enum: ['create', 'replace', 'append'],
          default: 'create',
        }),
      ),
    },
    { additionalProperties: false },
  ),
  inputs: { content: Type.Union([Type.String({ maxLength: 524_288 }), BlobHandle]), path: Path },
  optionalInputs: ['path'],
  outputs: { change: FileChange, sizeBytes: Type.Integer() },
  uses: ['fs.write'],
  async run({ config, inputs, context }) {
    const path = pathOf('path', config, inputs);
    const args = { path, content: inputs.content, mode: config.mode ?? 'create' };
    const { undo, sizeBytes } = await ask<{ readonly undo: string; readonly sizeBytes: number }>(
      context,
      ['fs.write', 'write'],
      args,
    );
    return { change: { path, undo }, sizeBytes };
  },
});
