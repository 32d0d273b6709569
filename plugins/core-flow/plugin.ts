import { definePlugin } from '@runtime-hub/plugin-sdk';
import { conditionNode } from './nodes/condition.ts';
import { delayNode } from './nodes/delay.ts';
import { mergeNode } from './nodes/merge.ts';
import { oncePerChangeNode } from './nodes/once-per-change.ts';
import { setNode } from './nodes/set.ts';
import { switchNode } from './nodes/switch.ts';

export default definePlugin({
  id: 'core/flow',
  version: '1.0.0',
  title: 'Flow',
  description: 'Decides, waits, joins and branches.',
  engine: '>=0.1.0',
  runtime: 'isolate',
  permissions: [
    { capability: 'state', target: '*', reason: '“Once per change” remembers the value before.' },
  ],
  nodes: [conditionNode, oncePerChangeNode, delayNode, mergeNode, switchNode, setNode],
});
