import {
  HubError,
  OPERATIONS,
  type CapabilityName,
  type Json,
  type PluginId,
} from '@runtime-hub/plugin-sdk/contract';
import type { CapabilityRequest } from '../ports.ts';
import { checkOf, schemaProblems } from '../schema-check.ts';

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
  const problems = schemaProblems(known.args, args);
  if (problems.length > 0) throw new HubError('STEP_INPUT_INVALID', { problems });
}

/** Throws STEP_OUTPUT_INVALID when what a provider answered is not what the contract promises. */
export function checkResult(request: CapabilityRequest, result: Json): void {
  const known = operationOf(request);
  if (known === undefined) return;
  const problems = schemaProblems(known.result, result);
  if (problems.length > 0) throw new HubError('STEP_OUTPUT_INVALID', { problems });
}
