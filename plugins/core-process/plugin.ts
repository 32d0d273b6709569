import { definePlugin } from '@runtime-hub/plugin-sdk';
import { endNode } from './nodes/end.ts';
import { listNode } from './nodes/list.ts';
import { runCmdNode } from './nodes/run-cmd.ts';
import { runPowershellNode } from './nodes/run-powershell.ts';
import { runNode } from './nodes/run.ts';

export default definePlugin({
  id: 'core/process',
  version: '1.0.0',
  title: 'Programs',
  description: 'Runs programs, sees which ones run, and ends them.',
  engine: '>=0.1.0',
  runtime: 'isolate',
  permissions: [
    {
      capability: 'process.run',
      target: '*',
      reason: 'Runs the programs you choose in the workflow; better allow each of them by itself.',
    },
    { capability: 'process.list', target: '*', reason: '“List programs” tells what runs.' },
    {
      capability: 'process.end',
      target: '*',
      reason: 'Ends the programs you choose in the workflow; better allow each of them by itself.',
    },
    {
      capability: 'secrets.use',
      target: '*',
      reason: 'Programs get the secrets you name in a step’s environment.',
    },
  ],
  nodes: [runNode, runPowershellNode, runCmdNode, listNode, endNode],
});
