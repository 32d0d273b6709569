import { Ajv, type ValidateFunction } from 'ajv';
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

type Operation = Readonly<Record<'args' | 'result', ValidateFunction>>;

type Schemas = Readonly<Record<string, { readonly args: object; readonly result: object }>>;

const ajv = new Ajv({ strict: true, allErrors: true, validateSchema: false });

/** Operations whose shape the contract fixes; what the hub provides itself checks its own. */
const SCHEMAS: ReadonlyMap<CapabilityName, Schemas> = new Map<CapabilityName, Schemas>([
  ['screen.capture', ScreenOperations],
  ['input.mouse', MouseOperations],
  ['ocr.read', OcrOperations],
]);
const compiled = new Map<string, Operation>();

/** Compiled at its first use; undefined when the contract does not know it. */
function operationOf(capability: CapabilityName, operation: string): Operation | undefined {
  const key = `${capability}.${operation}`;
  const schemas = SCHEMAS.get(capability) ?? {};
  const found = Object.hasOwn(schemas, operation) ? schemas[operation] : undefined;
  if (found === undefined || compiled.has(key)) return compiled.get(key);
  const made = { args: ajv.compile(found.args), result: ajv.compile(found.result) };
  compiled.set(key, made);
  return made;
}

type Request = Parameters<CapabilityGate['call']>[2];

/** Compiles what is otherwise compiled at the first use of each operation: about 10 ms each. */
export function prepareOperations(): void {
  for (const [capability, schemas] of SCHEMAS)
    for (const operation of Object.keys(schemas)) operationOf(capability, operation);
}

/** Throws CAPABILITY_DENIED for an operation the contract does not know, STEP_INPUT_INVALID for arguments that do not fit it. */
export function checkArgs(plugin: PluginId, { capability, operation, args }: Request): void {
  if (!SCHEMAS.has(capability)) return;
  const known = operationOf(capability, operation);
  if (known === undefined) {
    throw new HubError('CAPABILITY_DENIED', { plugin, need: `${capability}.${operation}` });
  }
  if (!known.args(args)) {
    throw new HubError('STEP_INPUT_INVALID', { problems: problemsOf(known.args) });
  }
}

/** Throws STEP_OUTPUT_INVALID when what a provider answered is not what the contract promises. */
export function checkResult({ capability, operation }: Request, result: Json): void {
  const known = operationOf(capability, operation);
  if (known === undefined || known.result(result)) return;
  throw new HubError('STEP_OUTPUT_INVALID', { problems: problemsOf(known.result) });
}

const problemsOf = (validate: ValidateFunction): readonly Problem[] =>
  (validate.errors ?? []).slice(0, 20).map((error) => ({
    at: error.instancePath === '' ? '/' : error.instancePath,
    message: error.message ?? 'does not fit',
    cure: 'See the operation in the contract.',
  }));
