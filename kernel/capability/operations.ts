import type { ValidateFunction } from 'ajv';
import {
  HubError,
  OPERATIONS,
  type CapabilityName,
  type Json,
  type PluginId,
  type Problem,
} from '@runtime-hub/plugin-sdk/contract';
import type { CapabilityRequest } from '../ports.ts';
import { checkOf } from '../schema-check.ts';

/** Undefined when the contract does not know it. */
function operationOf({ capability, operation }: CapabilityRequest) {
  const known = OPERATIONS[capability] ?? {};
  return Object.hasOwn(known, operation) ? known[operation] : undefined;
}

/** Compiles what is otherwise compiled at the first use of each operation: about 10 ms each. */
export function prepareOperations(capabilities: Iterable<CapabilityName>): void {
  for (const it of new Set(capabilities))
    for (const { args, result } of Object.values(OPERATIONS[it] ?? {}))
      [args, result].forEach(checkOf);
}

/** Throws CAPABILITY_DENIED for an operation the contract does not know, STEP_INPUT_INVALID for arguments that do not fit it. */
export function checkArgs(plugin: PluginId, request: CapabilityRequest): void {
  const { capability, operation, args } = request;
  if (OPERATIONS[capability] === undefined) return;
  const known = operationOf(request);
  if (known === undefined) {
    throw new HubError('CAPABILITY_DENIED', { plugin, need: `${capability}.${operation}` });
  }
  const check = checkOf(known.args);
  if (!check(args)) throw new HubError('STEP_INPUT_INVALID', { problems: problemsOf(check) });
}

/** Throws STEP_OUTPUT_INVALID when what a provider answered is not what the contract promises. */
export function checkResult(request: CapabilityRequest, result: Json): void {
  const known = operationOf(request);
  if (known === undefined) return;
  const check = checkOf(known.result);
  if (!check(result)) throw new HubError('STEP_OUTPUT_INVALID', { problems: problemsOf(check) });
}

const problemsOf = (validate: ValidateFunction): readonly Problem[] =>
  (validate.errors ?? []).slice(0, 20).map((error) => ({
    at: error.instancePath === '' ? '/' : error.instancePath,
    message: error.message ?? 'does not fit',
    cure: 'See the operation in the contract.',
  }));
