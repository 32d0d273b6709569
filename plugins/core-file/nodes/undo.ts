import * as Type from '@runtime-hub/plugin-sdk/schema';
import { defineNode } from '@runtime-hub/plugin-sdk';
import { FileChange, ask } from './common.ts';

/** Brings back what was there before one change of the same run. */
export const undoNode = defineNode({
  type: 'undo',
  title: 'Undo a change of a file',
  description:
    'Brings back what was there before a change of this run; refuses when somebody else changed it since.',
  effect: 'external',
  config: Type.Object({}, { additionalProperties: false }),
  inputs: { change: FileChange },
  outputs: { path: Type.String() },
  uses: ['fs.write'],
  async run({ inputs: { change }, context }) {
    await ask(context, ['fs.write', 'undo'], change);
    return { path: change.path };
  },
});
