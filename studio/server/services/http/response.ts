import type { Caller, Clock, ServiceUse } from '@runtime-hub/kernel';
import {
  MAX_FRAME_BYTES,
  type BlobHandle,
  type HttpRequest,
  type HttpResponse,
} from '@runtime-hub/plugin-sdk/contract';
import type { Redactor } from '../secrets/redactor.ts';
import type { SecretSource } from '../secrets/secret-store.ts';
import type { Share } from './allowance.ts';
import { readBody } from './body.ts';
import type { Exchange } from './exchange.ts';
import { orFailure, refusedResponse } from './failures.ts';
import type { Hop } from './redirects.ts';
import { orAborted } from './signals.ts';

interface ResponsePorts {
  readonly clock: Clock;
  readonly secrets: SecretSource;
  keepBlob(bytes: Buffer, mime: string, caller: Caller): Promise<BlobHandle>;
}

interface Received {
  readonly request: HttpRequest;
  readonly use: ServiceUse;
  readonly share: Share;
  readonly signal: AbortSignal;
  readonly startedAt: number;
  readonly hop: Hop;
  readonly received: Exchange;
}

const MAX_TEXT_BYTES = 524_288;
const MAX_BLOB_BYTES = 67_108_864;
/** A response has to fit a frame, with what stands around it. */
const MAX_RESPONSE_BYTES = MAX_FRAME_BYTES - 4096;
const WITHOUT_BODY = [204, 205, 304];

/** What the plugin gets: bounded, decompressed, and without any secret that was ever used. */
export async function responseOf(ports: ResponsePorts, work: Received): Promise<HttpResponse> {
  const { request, hop, received, signal } = work;
  const { redactor } = ports.secrets;
  const isText = request.keep !== 'blob';
  const most = isText ? MAX_TEXT_BYTES : MAX_BLOB_BYTES;
  const maxBytes = Math.min(request.maxBytes ?? most, most);
  const headers = joined(received.headers, redactor);
  const isEmpty = hop.method === 'HEAD' || WITHOUT_BODY.includes(received.status);
  const codings = isEmpty ? '' : (headers.get('content-encoding') ?? '');
  const rule = { host: hop.host, maxBytes, codings, share: work.share };
  const read = await orFailure(readBody(received.body, rule), hop.host);
  const body = await redactor.redactBytes(read);
  signal.throwIfAborted();
  const hidden = [...headers].map(([name, value]) => [name, redactor.redact(value)]);
  const response = {
    status: received.status,
    url: redactor.redact(hop.url.href),
    // SAFETY: pairs of texts.
    headers: Object.fromEntries(hidden) as Readonly<Record<string, string>>,
    sizeBytes: body.length,
  };
  const ms = (): number => ports.clock.now() - work.startedAt;
  if (isText) return fitting({ ...response, text: new TextDecoder().decode(body), ms: ms() }, hop);
  const mime = mimeOf(response.headers['content-type'] ?? '');
  const blob = await orAborted(ports.keepBlob(body, mime, work.use.caller), signal);
  return fitting({ ...response, blob, ms: ms() }, hop);
}

/** Lower-case names; values of one name joined. */
function joined(pairs: Exchange['headers'], redactor: Redactor): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  for (const [raw, value] of pairs) {
    // Before its letters change, else a secret as a name would no longer be known.
    const name = redactor.redact(raw).toLowerCase();
    // A name that would change an object instead of standing in it.
    if (name === '__proto__') continue;
    const earlier = headers.get(name);
    headers.set(name, earlier === undefined ? value : `${earlier}, ${value}`);
  }
  return headers;
}

/** Escapes can make a text six times as long. */
function fitting(response: HttpResponse, { host }: Hop): HttpResponse {
  if (Buffer.byteLength(JSON.stringify(response)) <= MAX_RESPONSE_BYTES) return response;
  throw refusedResponse(host, 'its text is too long as JSON');
}

const mimeOf = (type: string): string =>
  /^[\w.+-]{1,49}\/[\w.+-]{1,49}(?=\s*(?:;|$))/u.exec(type)?.[0] ?? 'application/octet-stream';
