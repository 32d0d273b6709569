import * as Type from '@runtime-hub/plugin-sdk/schema';
import { defineNode } from '@runtime-hub/plugin-sdk';
import { RunOperations } from '@runtime-hub/plugin-sdk/contract';
import { RunNode, RunSettings, runArgs, runProgram } from '../running.ts';

const { program, args } = RunOperations.run.args.properties;

/** Runs a program with arguments that nothing parses. */
export const runNode = defineNode({
  ...RunNode,
  type: 'run',
  title: 'Run a program',
  description:
    'Runs a program and waits for its end. Arguments go to it one by one, as they are: there is no shell. All it started ends with it.',
  config: Type.Object(
    { program, arguments: Type.Optional(args), ...RunSettings },
    { additionalProperties: false },
  ),
  async run({ config, inputs, context }) {
    const command = { program: config.program, args: config.arguments ?? [] };
    return await runProgram(context, runArgs(config, inputs, command), config);
  },
});
