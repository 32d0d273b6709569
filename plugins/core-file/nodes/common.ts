import * as Type from '@runtime-hub/plugin-sdk/schema';
import { unfit, type StepContext, type TriggerContext } from '@runtime-hub/plugin-sdk';
import type { CapabilityName, JsonObject } from '@runtime-hub/plugin-sdk/contract';

/** Absolute, or below the user's home as `~/…`. */
export const Path = Type.String({ minLength: 1, maxLength: 1024 });

/** One change of a file, for the node “undo” of the same run. */
export const FileChange = Type.Object(
  { path: Type.String(), undo: Type.String() },
  { additionalProperties: false },
);

/** The path that arrived, else the one in the settings. Throws STEP_INPUT_INVALID when there is neither. */
export function pathOf(
  at: 'path' | 'to',
  config: { readonly path?: string; readonly to?: string },
  inputs: { readonly path?: string; readonly to?: string },
): string {
  const path = inputs[at] ?? config[at];
  if (path !== undefined) return path;
  throw unfit(`/${at}`, 'is missing', `Write “${at}” in the node’s settings, or connect it.`);
}

/** Asks the hub; `T` is the operation's result in the contract. */
export async function ask<T>(
  context: Pick<StepContext | TriggerContext, 'call'>,
  [capability, operation]: readonly [CapabilityName, string],
  args: JsonObject,
): Promise<T> {
  // SAFETY: the broker checked the result against the contract.
  return (await context.call(capability, operation, args)) as T;
}

/** Asks for a change of files; what the node “undo” needs to take it back. */
export async function change(
  context: Pick<StepContext, 'call'>,
  operation: 'make-folder' | 'move' | 'remove',
  args: { readonly path: string; readonly to?: string },
): Promise<Type.Static<typeof FileChange>> {
  const { undo } = await ask<{ readonly undo: string }>(context, ['fs.write', operation], args);
  return { path: args.path, undo };
}
