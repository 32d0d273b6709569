import * as Type from '@runtime-hub/plugin-sdk/schema';
import { defineNode } from '@runtime-hub/plugin-sdk';
import { FileChange, Path, change, pathOf } from './common.ts';

/** Makes a folder. */
export const makeFolderNode = defineNode({
  type: 'make-folder',
  title: 'Make a folder',
  description: 'Makes one folder; the folder that it is in must be there.',
  effect: 'external',
  config: Type.Object({ path: Type.Optional(Path) }, { additionalProperties: false }),
  inputs: { path: Path },
  optionalInputs: ['path'],
  outputs: { change: FileChange },
  uses: ['fs.write'],
  async run({ config, inputs, context }) {
    const path = pathOf('path', config, inputs);
    return { change: await change(context, 'make-folder', { path }) };
  },
});
