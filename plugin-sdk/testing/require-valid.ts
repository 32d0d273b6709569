import { Ajv } from 'ajv';
import { HubError, type Json, type Problem } from '../contract/index.ts';

/** Throws the error, with what is wrong where, unless the value fits the JSON Schema. */
export function requireValid(
  code: 'STEP_INPUT_INVALID' | 'STEP_OUTPUT_INVALID',
  schema: object,
  value: Json,
): void {
  const validate = new Ajv({ strict: false, allErrors: true, logger: false }).compile(schema);
  if (validate(value)) return;
  const problems: readonly Problem[] = (validate.errors ?? []).map((error) => ({
    at: error.instancePath === '' ? '/' : error.instancePath,
    message: `${error.message ?? 'does not fit'} ${JSON.stringify(error.params)}`,
    cure: 'Compare the value with the schema.',
  }));
  throw new HubError(code, { problems });
}
