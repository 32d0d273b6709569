import { Ajv2020 } from 'ajv/dist/2020.js';
import type { Static, TSchema } from 'typebox';
import {
  Discovery,
  HubError,
  PluginRecord,
  PublishReceipt,
  errorOf,
  type Json,
} from '../contract/index.ts';

/** A registry must begin to answer in this time, or it is not there. */
const CONTACT_MS = 1000;
const ANSWER_MS = 15_000;
const UPLOAD_MS = 120_000;
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

/** What authors ask of a registry. Every method rejects with REGISTRY_UNREACHABLE, REGISTRY_RESPONSE_INVALID or the registry's own error. */
export interface RegistryApi {
  readonly url: string;
  discover(): Promise<Discovery>;
  /** Null when there is no such plugin, or none that this token may see. */
  plugin(id: string, token: string | null): Promise<PluginRecord | null>;
  publish(upload: Upload, token: string): Promise<PublishReceipt>;
  /** Any other call; its answer is checked by whoever asks. */
  send(method: 'GET' | 'POST', path: string, token: string | null, body?: Json): Promise<unknown>;
}

export interface Upload {
  readonly artifact: Uint8Array;
  readonly bundle: string;
  /** The same for the same upload, so that a repeated one is not a second one. */
  readonly key: string;
}

export function openRegistry(url: string): RegistryApi {
  const send: RegistryApi['send'] = async (method, path, token, body) => {
    const json = body === undefined ? {} : { 'content-type': 'application/json' };
    const init = { method, headers: { ...json, ...bearer(token) }, ...bodyOf(body) };
    return await answerOf(
      url,
      await request(url, path, init, method === 'GET' ? CONTACT_MS : ANSWER_MS),
    );
  };
  return {
    url,
    send,
    discover: async () => checked(url, Discovery, await send('GET', '/v1/', null)),
    async plugin(id, token) {
      try {
        return checked(url, PluginRecord, await send('GET', `/v1/plugins/${id}`, token));
      } catch (error) {
        if (HubError.is(error, 'REGISTRY_NOT_FOUND')) return null;
        throw error;
      }
    },
    async publish({ artifact, bundle, key }, token) {
      const form = new FormData();
      form.set('artifact', new Blob([new Uint8Array(artifact)]), 'artifact.tgz');
      form.set('bundle', new Blob([bundle], { type: 'application/json' }), 'bundle.json');
      const headers = { 'idempotency-key': key, ...bearer(token) };
      const init = { method: 'POST', headers, body: form };
      const answer = await request(url, '/v1/publish', init, UPLOAD_MS);
      return checked(url, PublishReceipt, await answerOf(url, answer));
    },
  };
}

const bearer = (token: string | null): Readonly<Record<string, string>> =>
  token === null ? {} : { authorization: `Bearer ${token}` };

const bodyOf = (body: Json | undefined): { readonly body?: string } =>
  body === undefined ? {} : { body: JSON.stringify(body) };

/** Follows no redirect: a token must not reach another place than the one it is for. */
async function request(
  url: string,
  path: string,
  init: RequestInit,
  ms: number,
): Promise<Response> {
  try {
    const signal = AbortSignal.timeout(ms);
    return await fetch(`${url}${path}`, { ...init, redirect: 'error', signal });
  } catch (error) {
    throw new HubError(
      'REGISTRY_UNREACHABLE',
      { registry: url, detail: reasonOf(error) },
      { cause: error },
    );
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'no answer';
  if (error.name === 'TimeoutError') return 'it gave no answer in time';
  const { cause } = error;
  if (cause instanceof Error && 'code' in cause) return String(cause.code);
  return cause instanceof Error ? cause.message.slice(0, 120) : error.message.slice(0, 120);
}

async function answerOf(url: string, response: Response): Promise<unknown> {
  const text = await textOf(url, response);
  let value: unknown = null;
  try {
    value = text === '' ? null : JSON.parse(text);
  } catch (error) {
    throw invalid(url, `status ${String(response.status)}, and no JSON`, error);
  }
  if (response.ok) return value;
  // SAFETY: a problem (RFC 9457); what its fields are is checked by errorOf.
  const {
    code,
    detail,
    data = null,
    retryable = false,
  } = Object(value) as {
    readonly code?: unknown;
    readonly detail?: unknown;
    readonly data?: Json;
    readonly retryable?: boolean;
  };
  if (typeof code !== 'string' || typeof detail !== 'string')
    throw invalid(url, `status ${String(response.status)} without a code`);
  throw errorOf({ code, message: detail.slice(0, 1000), data, retryable });
}

async function textOf(url: string, response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const part of response.body ?? []) {
      bytes += part.length;
      if (bytes > MAX_ANSWER_BYTES) throw invalid(url, 'the answer is over 8 MB');
      parts.push(part);
    }
  } catch (error) {
    if (error instanceof HubError) throw error;
    throw new HubError(
      'REGISTRY_UNREACHABLE',
      { registry: url, detail: reasonOf(error) },
      { cause: error },
    );
  }
  return Buffer.concat(parts).toString('utf8');
}

/** The answer as what it should be. Throws REGISTRY_RESPONSE_INVALID. */
export function checked<S extends TSchema>(url: string, schema: S, value: unknown): Static<S> {
  const fits = new Ajv2020({ strict: false, validateSchema: false }).compile<Static<S>>(schema);
  if (fits(value)) return value;
  const [problem] = fits.errors ?? [];
  throw invalid(
    url,
    `${problem?.instancePath ?? ''} ${problem?.message ?? 'has another form'}`.trim(),
  );
}

function invalid(registry: string, detail: string, cause?: unknown): HubError {
  return new HubError('REGISTRY_RESPONSE_INVALID', { registry, detail }, { cause });
}
