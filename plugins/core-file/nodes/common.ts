import * as Type from '@runtime-hub/plugin-sdk/schema';
import { HubError, type StepContext, type TriggerContext } from '@runtime-hub/plugin-sdk';
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
  const cure = `Write “${at}” in the node’s settings, or connect it.`;
  throw new HubError('STEP_INPUT_INVALID', {
    problems: [{ at: `/${at}`, message: 'is missing', cure }],
  });
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

/** The code of an error of the hub; null for any other. In an isolate such an error is of another realm, so no instance of Error. */
export function codeOf(error: unknown): string | null {
  const isCoded = typeof error === 'object' && error !== null && 'code' in error;
  return isCoded && typeof error.code === 'string' ? error.code : null;
}
