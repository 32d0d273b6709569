import * as Type from '@runtime-hub/plugin-sdk/schema';
import { defineNode } from '@runtime-hub/plugin-sdk';
import { FileChange, Path, change, pathOf } from './common.ts';

/** Moves or renames a file or folder. */
export const moveNode = defineNode({
  type: 'move',
  title: 'Move a file or folder',
  description: 'Moves or renames; fails when there is something at the new place.',
  effect: 'external',
  config: Type.Object(
    { path: Type.Optional(Path), to: Type.Optional(Path) },
    { additionalProperties: false },
  ),
  inputs: { path: Path, to: Path },
  optionalInputs: ['path', 'to'],
  outputs: { change: FileChange, to: Type.String() },
  // What is moved becomes readable where it goes.
  uses: ['fs.read', 'fs.write'],
  async run({ config, inputs, context }) {
    const [path, to] = [pathOf('path', config, inputs), pathOf('to', config, inputs)];
    return { change: await change(context, 'move', { path, to }), to };
  },
});
