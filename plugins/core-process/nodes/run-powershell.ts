import * as Type from '@runtime-hub/plugin-sdk/schema';
import { defineNode } from '@runtime-hub/plugin-sdk';
import { base64OfUtf16 } from '../base64.ts';
import { RunNode, RunSettings, runArgs, runProgram } from '../running.ts';

const POWERSHELL = 'C:/Windows/System32/WindowsPowerShell/v1.0/powershell.exe';
const FLAGS = ['-NoLogo', '-NoProfile', '-NonInteractive', '-OutputFormat', 'Text'];
/** Progress would be written to stderr as XML. */
const QUIET = "$ProgressPreference='SilentlyContinue';";

/** Runs a script of PowerShell. */
export const runPowershellNode = defineNode({
  ...RunNode,
  type: 'run-powershell',
  title: 'Run PowerShell',
  description:
    'Runs a script of PowerShell on Windows. Put values that come from elsewhere into the environment and read them as $env:NAME, so that they cannot become part of the script.',
  config: Type.Object(
    {
      /** Windows limits a command line to 32,767 characters, which hold this much. */
      script: Type.String({ minLength: 1, maxLength: 10_000 }),
      /** Windows PowerShell when left out. */
      program: Type.Optional(Type.String({ minLength: 1, maxLength: 512 })),
      ...RunSettings,
    },
    { additionalProperties: false },
  ),
  async run({ config, inputs, context }) {
    const script = base64OfUtf16(QUIET + config.script);
    const command = {
      program: config.program ?? POWERSHELL,
      args: [...FLAGS, '-EncodedCommand', script],
    };
    return await runProgram(context, runArgs(config, inputs, command), config);
  },
});
