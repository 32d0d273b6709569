import { ERROR_TABLE, HubError, type ErrorCode } from '@runtime-hub/plugin-sdk/contract';
import { PLAIN } from './reply.ts';

const TYPE = 'https://runtime-hub.dev/errors/';

/** An error as RFC 9457 wants it, with the table's code, cure and data. What is no HubError is a mistake of ours and says nothing more. */
export function problemResponse(error: unknown): Response {
  const known: HubError = error instanceof HubError ? error : new HubError('REGISTRY_FAILED', {});
  const code: ErrorCode = known.code;
  const { status, retryable } = ERROR_TABLE[code];
  const body = {
    type: TYPE + known.code,
    title: known.code,
    status,
    detail: known.message,
    code: known.code,
    cure: known.cure,
    retryable,
    data: known.data,
  };
  const headers = new Headers({
    ...PLAIN,
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
  });
  if (status === 401) headers.set('www-authenticate', 'Bearer');
  if (HubError.is(known, 'REGISTRY_RATE_EXCEEDED'))
    headers.set('retry-after', String(Math.ceil(known.data.retryAfterMs / 1000)));
  return new Response(JSON.stringify(body), { status, headers });
}

export const notFound = (what: string): HubError => new HubError('REGISTRY_NOT_FOUND', { what });

export const invalid = (field: string, problem: string): HubError =>
  new HubError('REGISTRY_REQUEST_INVALID', { field, problem });
