import type { Problem } from '@runtime-hub/plugin-sdk/contract';
import { pointerPart } from '@runtime-hub/plugin-sdk/expression';
import { Ajv, type ValidateFunction } from 'ajv';

const LENIENT = { strict: false, allErrors: true, logger: false, validateSchema: false } as const;
/** Schemas of one plugin are not found by the `$id`s of another. */
const ajv = new Ajv({ ...LENIENT, addUsedSchema: false });
const checks = new WeakMap<object, ValidateFunction>();

/** What checks values against a schema; compiled once per schema object. */
export function checkOf(schema: object): ValidateFunction {
  const known = checks.get(schema);
  if (known !== undefined) return known;
  const check = ajv.compile(schema);
  checks.set(schema, check);
  return check;
}

/** Problems of `value`, which lies at the JSON pointer `at`, against a schema. */
export function schemaProblems(schema: object, value: unknown, at = ''): readonly Problem[] {
  const check = checkOf(schema);
  if (check(value) === true) return [];
  return (check.errors ?? []).map(({ instancePath, params, message = 'is not valid' }) => {
    const extra: unknown = params['additionalProperty'];
    const place =
      typeof extra === 'string' ? `${instancePath}/${pointerPart(extra)}` : instancePath;
    return { at: `${at}${place}` || '/', message, cure: 'Give a value that fits the schema.' };
  });
}
