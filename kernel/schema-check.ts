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
