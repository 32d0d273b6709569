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

interface Operation {
  readonly args: ValidateFunction;
  readonly result: ValidateFunction;
}

type Schemas = Readonly<Record<string, { readonly args: object; readonly result: object }>>;

const ajv = new Ajv({ strict: true, allErrors: true });
const compiled = (operations: Schemas): ReadonlyMap<string, Operation> =>
  new Map(
    Object.entries(operations).map(([name, { args, result }]) => [
      name,
      { args: ajv.compile(args), result: ajv.compile(result) },
    ]),
  );

/** Operations whose shape the contract fixes; what the hub provides itself checks its own. */
const OPERATIONS: ReadonlyMap<CapabilityName, ReadonlyMap<string, Operation>> = new Map([
  ['screen.capture', compiled(ScreenOperations)],
  ['input.mouse', compiled(MouseOperations)],
  ['ocr.read', compiled(OcrOperations)],
]);

interface Request {
  readonly capability: CapabilityName;
  readonly operation: string;
  readonly args: Json;
}

/** Throws CAPABILITY_DENIED for an operation the contract does not know, STEP_INPUT_INVALID for arguments that do not fit it. */
export function checkArgs(plugin: PluginId, { capability, operation, args }: Request): void {
  const operations = OPERATIONS.get(capability);
  if (operations === undefined) return;
  const known = operations.get(operation);
  if (known === undefined) {
    throw new HubError('CAPABILITY_DENIED', { plugin, need: `${capability}.${operation}` });
  }
  if (!known.args(args)) {
    throw new HubError('STEP_INPUT_INVALID', { problems: problemsOf(known.args) });
  }
}

/** Throws STEP_OUTPUT_INVALID when what a provider answered is not what the contract promises. */
export function checkResult({ capability, operation }: Request, result: Json): void {
  const known = OPERATIONS.get(capability)?.get(operation);
  if (known === undefined || known.result(result)) return;
  throw new HubError('STEP_OUTPUT_INVALID', { problems: problemsOf(known.result) });
}

const problemsOf = (validate: ValidateFunction): readonly Problem[] =>
  (validate.errors ?? []).slice(0, 20).map((error) => ({
    at: error.instancePath === '' ? '/' : error.instancePath,
    message: error.message ?? 'does not fit',
    cure: 'See the operation in the contract.',
  }));
