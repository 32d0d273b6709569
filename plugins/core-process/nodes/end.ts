import * as Type from '@runtime-hub/plugin-sdk/schema';
import type { Static } from '@runtime-hub/plugin-sdk/schema';
import { defineNode, type StepContext } from '@runtime-hub/plugin-sdk';
import { EndOperations, ListOperations } from '@runtime-hub/plugin-sdk/contract';

const { pid, program, graceMs } = EndOperations.end.args.properties;

/** Ends a program and all it started. */
export const endNode = defineNode({
  type: 'end',
  title: 'End a program',
  description:
    'Asks a program and all it started to end, and ends what does not within a time. Without “pid” it ends every process that runs the program.',
  effect: 'external',
  config: Type.Object({ program, graceMs }, { additionalProperties: false }),
  inputs: { pid },
  optionalInputs: ['pid'],
  outputs: { ended: Type.Integer({ minimum: 0 }) },
  timeoutMs: 120_000,
  uses: ['process.end', 'process.list'],
  async run({ config, inputs, context }) {
    if (inputs.pid !== undefined)
      return { ended: await end(context, { ...config, pid: inputs.pid }) };
    let ended = 0;
    const first = await running(context, config.program);
    for (const one of first) {
      // What was started by one before has ended with it.
      const isLeft = (await running(context, config.program)).includes(one);
      if (isLeft) ended += await end(context, { ...config, pid: one });
    }
    return { ended };
  },
});

async function end(
  context: StepContext,
  args: Static<typeof EndOperations.end.args>,
): Promise<number> {
  const result = await context.call('process.end', 'end', { ...args });
  // SAFETY: the broker checked the result against the contract.
  return (result as unknown as Static<typeof EndOperations.end.result>).ended;
}

/** Pids of what runs a program. */
async function running(context: StepContext, path: string): Promise<readonly number[]> {
  const result = await context.call('process.list', 'list', {});
  // SAFETY: as above.
  const { processes } = result as unknown as Static<typeof ListOperations.list.result>;
  return processes.filter((it) => it.program === path).map((it) => it.pid);
}
