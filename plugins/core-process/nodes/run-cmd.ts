import * as Type from '@runtime-hub/plugin-sdk/schema';
import { defineNode } from '@runtime-hub/plugin-sdk';
import { RunNode, RunSettings, runArgs, runProgram } from '../running.ts';

const CMD = 'C:/Windows/System32/cmd.exe';
/** Holds the command, which so needs no quoting; cmd.exe has rules for that of its own. */
const VARIABLE = 'HUB_COMMAND';

/** Runs a command line of CMD. */
export const runCmdNode = defineNode({
  ...RunNode,
  type: 'run-cmd',
  title: 'Run CMD',
  description:
    'Runs one command line of CMD on Windows. Put values that come from elsewhere into the environment and write them as !NAME!, so that they cannot become part of the command.',
  config: Type.Object(
    {
      /** One line; CMD takes no longer one. */
      command: Type.String({ minLength: 1, maxLength: 8000, pattern: '^[^\\r\\n\\u0000]+$' }),
      ...RunSettings,
    },
    { additionalProperties: false },
  ),
  async run({ config, inputs, context }) {
    const command = { program: CMD, args: ['/d', '/v:on', '/c', `%${VARIABLE}%`] };
    const env = { ...config.env, [VARIABLE]: config.command };
    return await runProgram(context, runArgs({ ...config, env }, inputs, command), config);
  },
});
