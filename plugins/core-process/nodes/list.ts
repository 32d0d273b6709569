import type { Static } from '@runtime-hub/plugin-sdk/schema';
import { defineNode } from '@runtime-hub/plugin-sdk';
import { ListOperations } from '@runtime-hub/plugin-sdk/contract';

const { processes } = ListOperations.list.result.properties;

/** Tells what runs. */
export const listNode = defineNode({
  type: 'list',
  title: 'List programs',
  description:
    'Tells which programs run, without their arguments. With a name only those that are called so.',
  effect: 'idempotent',
  config: ListOperations.list.args,
  outputs: { processes },
  uses: ['process.list'],
  async run({ config, context }) {
    const result = await context.call('process.list', 'list', config);
    // SAFETY: the broker checked the result against the contract.
    return result as unknown as Static<typeof ListOperations.list.result>;
  },
});
