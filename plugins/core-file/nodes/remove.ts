import * as Type from '@runtime-hub/plugin-sdk/schema';
import { defineNode } from '@runtime-hub/plugin-sdk';
import { FileChange, Path, change, pathOf } from './common.ts';

/** Removes a file or an empty folder. */
export const removeNode = defineNode({
  type: 'remove',
  title: 'Remove a file',
  description:
    'Removes a file of at most 64 MiB, or an empty folder. It can be brought back until the run ends.',
  effect: 'external',
  config: Type.Object({ path: Type.Optional(Path) }, { additionalProperties: false }),
  inputs: { path: Path },
  optionalInputs: ['path'],
  outputs: { change: FileChange },
  uses: ['fs.write'],
  async run({ config, inputs, context }) {
    const path = pathOf('path', config, inputs);
    return { change: await change(context, 'remove', { path }) };
  },
});
