import { HubError } from '@runtime-hub/plugin-sdk/contract';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import type { Static, TSchema } from 'typebox';

const ajv = new Ajv2020({ strict: true, validateSchema: false });
const known = new WeakMap<TSchema, ValidateFunction>();

/** What a registry answered, of the shape that was agreed. Throws REGISTRY_RESPONSE_INVALID naming the field. */
export function parseReply<S extends TSchema>(
  schema: S,
  body: Buffer,
  registry: string,
): Static<S> {
  const isValid = known.get(schema) ?? ajv.compile(schema);
  known.set(schema, isValid);
  const value = jsonOf(body, registry);
  // SAFETY: it fits the schema of the type.
  if (isValid(value)) return value as Static<S>;
  const problem = isValid.errors?.[0];
  throw invalid(registry, `${problem?.instancePath ?? ''} ${problem?.message ?? ''}`.trim());
}

function jsonOf(body: Buffer, registry: string): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    throw invalid(registry, 'it is no JSON');
  }
}

const invalid = (registry: string, detail: string): HubError =>
  new HubError('REGISTRY_RESPONSE_INVALID', { registry, detail });
