import type { ValidateFunction } from 'ajv';
import {
  HubError,
  MouseOperations,
  OcrOperations,
  ScreenOperations,
  type CapabilityName,
  type Json,
  type PluginId,
  type Problem,
} from '@runtime-hub/plugin-sdk/contract';
import type { CapabilityGate } from '../ports.ts';
import { checkOf } from '../schema-check.ts';

type Schemas = Readonly<Record<string, { readonly args: object; readonly result: object }>>;

/** Operations whose shape the contract fixes; what the hub provides itself checks its own. */
const SCHEMAS: ReadonlyMap<CapabilityName, Schemas> = new Map<CapabilityName, Schemas>([
  ['screen.capture', ScreenOperations],
  ['input.mouse', MouseOperations],
  ['ocr.read', OcrOperations],
]);

/** Undefined when the contract does not know it. */
function operationOf(capability: CapabilityName, operation: string): Schemas[string] | undefined {
  const schemas = SCHEMAS.get(capability) ?? {};
  return Object.hasOwn(schemas, operation) ? schemas[operation] : undefined;
}

type Request = Parameters<CapabilityGate['call']>[2];

/** Compiles what is otherwise compiled at the first use of each operation: about 10 ms each. */
export function prepareOperations(): void {
  for (const schemas of SCHEMAS.values())
    for (const { args, result } of Object.values(schemas)) [args, result].forEach(checkOf);
}

/** Throws CAPABILITY_DENIED for an operation the contract does not know, STEP_INPUT_INVALID for arguments that do not fit it. */
export function checkArgs(plugin: PluginId, { capability, operation, args }: Request): void {
  if (!SCHEMAS.has(capability)) return;
  const known = operationOf(capability, operation);
  if (known === undefined) {
    throw new HubError('CAPABILITY_DENIED', { plugin, need: `${capability}.${operation}` });
  }
  const check = checkOf(known.args);
  if (!check(args)) throw new HubError('STEP_INPUT_INVALID', { problems: problemsOf(check) });
}

/** Throws STEP_OUTPUT_INVALID when what a provider answered is not what the contract promises. */
export function checkResult({ capability, operation }: Request, result: Json): void {
  const known = operationOf(capability, operation);
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
