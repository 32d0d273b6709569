import { HubError, codeOf } from '@runtime-hub/plugin-sdk/contract';

export const refusedResponse = (host: string, detail: string): HubError =>
  new HubError('NET_RESPONSE_REFUSED', { host, detail });

export const unreachable = (host: string, detail: string): HubError =>
  new HubError('NET_UNREACHABLE', { host, detail });

/** What went wrong on the way, in words of ours: texts of sockets, parsers and TLS may hold what a peer sent. */
const DETAILS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'it refused the connection',
  ECONNRESET: 'it closed the connection',
  EPIPE: 'it closed the connection',
  ERR_STREAM_PREMATURE_CLOSE: 'it closed the connection',
  UND_ERR_SOCKET: 'it closed the connection',
  ETIMEDOUT: 'the connection timed out',
  EHOSTUNREACH: 'there is no way to it',
  ENETUNREACH: 'there is no way to it',
  EADDRNOTAVAIL: 'there is no way to it',
  ENOTFOUND: 'its name is not known',
  ENODATA: 'its name is not known',
  EAI_AGAIN: 'its name could not be looked up',
};
const REFUSALS: readonly (readonly [RegExp, string])[] = [
  [/^HPE_HEADER_OVERFLOW$|^UND_ERR_HEADERS_OVERFLOW$/u, 'its headers are too large'],
  [/^HPE_/u, 'it is not HTTP'],
  [/^UND_ERR_RES_CONTENT_LENGTH_MISMATCH$/u, 'its body is not as long as it says'],
  [/^(?:Z_|ZSTD_|ERR_ZSTD|ERR_BROTLI|ERR__)/u, 'its body does not decompress'],
];
const TLS = /^(?:ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|EPROTO)/u;

/** What `exchanging` gives; its failure becomes NET_UNREACHABLE or NET_RESPONSE_REFUSED, without a cause, for that may hold what the peer sent. */
export async function orFailure<T>(exchanging: Promise<T>, host: string): Promise<T> {
  return await exchanging.catch((error: unknown) => {
    throw failureOf(error, host);
  });
}

/** The error that a failed exchange stands for; a mistake of ours stays what it is. */
function failureOf(error: unknown, host: string): unknown {
  const code = reasonOf(error);
  if (error instanceof HubError || code === null) return error;
  const refusal = REFUSALS.find(([pattern]) => pattern.test(code));
  if (refusal !== undefined) return refusedResponse(host, refusal[1]);
  if (TLS.test(code)) return unreachable(host, 'no secure connection could be made');
  return unreachable(host, DETAILS[code] ?? 'the connection failed');
}

function reasonOf(error: unknown): string | null {
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  // Undici gives some of these no code.
  const isUnnamed = error instanceof Error && error.name === 'HTTPParserError';
  return codeOf(error) ?? (isUnnamed ? 'HPE_' : null);
}
