import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import type { Static, TSchema } from 'typebox';
import { HubError } from '@runtime-hub/plugin-sdk/contract';
import { invalid } from './problem.ts';

const ajv = new Ajv2020({ strict: true, validateSchema: false });
const MAX_JSON_BYTES = 1024 * 1024;

/** A reader of JSON bodies of one shape; REGISTRY_REQUEST_INVALID names the first field that does not fit. */
export function bodyReader<S extends TSchema>(schema: S): (request: Request) => Promise<Static<S>> {
  let known: ValidateFunction<Static<S>> | null = null;
  return async (request) => {
    requireType(request, 'application/json');
    const value = parse(await readBody(request, MAX_JSON_BYTES));
    const isValid = (known ??= ajv.compile<Static<S>>(schema));
    if (isValid(value)) return value;
    const [problem] = isValid.errors ?? [];
    throw invalid(problem?.instancePath || 'body', problem?.message ?? 'it has another form');
  };
}

/** The whole body. Throws REGISTRY_BODY_TOO_LARGE as soon as it is over `maxBytes`, REGISTRY_ENCODING_REFUSED when it is packed. */
export async function readBody(request: Request, maxBytes: number): Promise<Buffer> {
  const encoding = request.headers.get('content-encoding') ?? 'identity';
  // What unpacks to more than was sent would go around every limit.
  if (encoding !== 'identity')
    throw new HubError('REGISTRY_ENCODING_REFUSED', { header: 'Content-Encoding' });
  const tooLarge = new HubError('REGISTRY_BODY_TOO_LARGE', { maxBytes });
  if (Number(request.headers.get('content-length') ?? '0') > maxBytes) throw tooLarge;
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of request.body ?? []) {
    bytes += part.length;
    if (bytes > maxBytes) throw tooLarge;
    parts.push(part);
  }
  return Buffer.concat(parts);
}

export function requireType(request: Request, type: string): void {
  const given = (request.headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase();
  if (given !== type) throw new HubError('REGISTRY_ENCODING_REFUSED', { header: 'Content-Type' });
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    throw invalid('body', 'it is no JSON');
  }
}
