import * as Type from '@runtime-hub/plugin-sdk/schema';
import type { Static } from '@runtime-hub/plugin-sdk/schema';
import type { StepContext } from '@runtime-hub/plugin-sdk';
import { RunOperations, type JsonObject } from '@runtime-hub/plugin-sdk/contract';

const { env, folder, timeoutMs, maxOutputBytes } = RunOperations.run.args.properties;

/** Settings that every node which runs a program has. */
export const RunSettings = {
  folder,
  env,
  timeoutMs,
  maxOutputBytes,
  /** Other exit codes fail the step; 0 alone when left out. */
  exitCodes: Type.Optional(Type.Array(Type.Integer(), { minItems: 1, maxItems: 64 })),
  /** Goes on whatever the exit code, also when a signal ended the program. */
  anyExit: Type.Optional(Type.Boolean({ default: false })),
};

/** What is the same in every node which runs a program. */
export const RunNode = {
  effect: 'external',
  inputs: { stdin: Type.String({ maxLength: 524_288 }) },
  optionalInputs: ['stdin'],
  outputs: { result: RunOperations.run.result, stdout: Type.String() },
  /** A little more than a program may take. */
  timeoutMs: 3_605_000,
  uses: ['process.run'],
} as const;

type RunResult = Static<typeof RunOperations.run.result>;

interface Settings {
  readonly exitCodes?: readonly number[];
  readonly anyExit?: boolean;
}

/** Runs a program; throws when it did not end as the settings want. */
export async function runProgram(
  context: Pick<StepContext, 'call'>,
  args: JsonObject,
  { exitCodes = [0], anyExit = false }: Settings,
): Promise<{ readonly result: RunResult; readonly stdout: string }> {
  // SAFETY: the broker checked the result against the contract.
  const result = (await context.call('process.run', 'run', args)) as unknown as RunResult;
  const { exitCode, signal, stdout } = result;
  const isFine = anyExit || (exitCode !== null && exitCodes.includes(exitCode));
  if (isFine) return { result, stdout };
  const how =
    exitCode === null ? `by ${signal ?? 'a signal'}` : `with exit code ${String(exitCode)}`;
  throw new Error(`The program ended ${how}; what it wrote is in the plugin’s log.`);
}

interface Given {
  readonly folder?: string;
  readonly env?: JsonObject;
  readonly timeoutMs?: number;
  readonly maxOutputBytes?: number;
}

/** The arguments of `process.run`, with only those settings that were given. */
export function runArgs(
  { folder, env, timeoutMs, maxOutputBytes }: Given,
  { stdin }: { readonly stdin?: string },
  command: JsonObject,
): JsonObject {
  const all = { folder, env, timeoutMs, maxOutputBytes, stdin };
  const entries = Object.entries(all).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  return { ...command, ...Object.fromEntries(entries) };
}
