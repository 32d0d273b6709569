import { HubError } from '@runtime-hub/plugin-sdk/contract';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import type { Context } from 'hono';
import type { Static, TSchema } from 'typebox';

const ajv = new Ajv2020({ strict: true, allErrors: true, validateSchema: false });

/** A reader of request bodies of one shape; HUB_REQUEST_INVALID names the first field that does not fit. */
export function bodyReader<S extends TSchema>(schema: S): (context: Context) => Promise<Static<S>> {
  let known: ValidateFunction<Static<S>> | null = null;
  return async (context) => {
    const isValid = (known ??= ajv.compile<Static<S>>(schema));
    const value: unknown = await context.req.json().catch(() => null);
    if (isValid(value)) return value;
    const problem = isValid.errors?.[0];
    throw new HubError('HUB_REQUEST_INVALID', {
      field: problem?.instancePath === '' ? 'body' : (problem?.instancePath ?? 'body'),
      value: problem?.message ?? 'no JSON',
      cure: 'Send a JSON object as the API describes.',
    });
  };
}
