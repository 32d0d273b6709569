import { definePlugin } from '@runtime-hub/plugin-sdk';
import { listNode } from './nodes/list.ts';
import { makeFolderNode } from './nodes/make-folder.ts';
import { moveNode } from './nodes/move.ts';
import { readNode } from './nodes/read.ts';
import { removeNode } from './nodes/remove.ts';
import { undoNode } from './nodes/undo.ts';
import { watchTrigger } from './nodes/watch.ts';
import { writeNode } from './nodes/write.ts';

export default definePlugin({
  id: 'core/file',
  version: '1.0.0',
  title: 'Files',
  description: 'Reads, writes, lists, moves and watches files.',
  engine: '>=0.1.0',
  runtime: 'isolate',
  permissions: [
    {
      capability: 'fs.read',
      target: '~/**',
      reason: 'Its nodes read and watch the files you choose in the workflow.',
    },
    {
      capability: 'fs.write',
      target: '~/**',
      reason: 'Its nodes write, move and remove the files you choose in the workflow.',
    },
  ],
  nodes: [
    readNode,
    writeNode,
    listNode,
    moveNode,
    removeNode,
    makeFolderNode,
    undoNode,
    watchTrigger,
  ],
});
