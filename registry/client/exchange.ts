import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { ERROR_TABLE, HubError, type ErrorCode } from '@runtime-hub/plugin-sdk/contract';
import type { Asked } from './asked.ts';

/** Longest wait for an answer to begin: with what comes before and after it, a registry that is down costs less than 1 s. */
const ANSWER_MS = 800;
/** Longest silence within an answer, and longest answer. */
const SILENCE_MS = 5000;
const WHOLE_MS = 60_000;
const MAX_JSON_BYTES = 16 * 1024 * 1024;
/** Answers kept with their entity tags. */
const MAX_KEPT = 256;

export interface ExchangePorts {
  /** Root of the registry, without a slash at the end. */
  readonly url: string;
  /** For namespaces that not everybody may read. */
  readonly token?: string;
}

interface Answer {
  readonly status: number;
  readonly tag: string | undefined;
  readonly body: Buffer;
}

/**
 * Asks one registry over HTTP: no redirects, no proxy, no compression, bounded in time and size. Throws
 * REGISTRY_UNREACHABLE, REGISTRY_RESPONSE_INVALID, or the error that the registry's problem document names.
 */
export class Exchange implements Asked {
  readonly #ports: ExchangePorts;
  readonly #agent: http.Agent;
  readonly #kept = new Map<string, { readonly tag: string; readonly body: Buffer }>();

  constructor(ports: ExchangePorts) {
    this.#ports = ports;
    const options = { keepAlive: true, maxSockets: 8, timeout: SILENCE_MS };
    this.#agent = ports.url.startsWith('https:')
      ? new https.Agent(options)
      : new http.Agent(options);
  }

  /** A body; when the registry says it has not changed, the one from before. */
  async get(path: string, maxBytes = MAX_JSON_BYTES): Promise<Buffer> {
    const kept = this.#kept.get(path);
    const headers = kept === undefined ? {} : { 'if-none-match': kept.tag };
    const answer = await this.#ask({ method: 'GET', path, headers, maxBytes });
    if (answer.status === 304 && kept !== undefined) return kept.body;
    if (answer.status !== 200) throw this.#refusal(answer);
    if (answer.tag !== undefined && answer.body.length < MAX_JSON_BYTES / 16)
      this.#keep(path, { tag: answer.tag, body: answer.body });
    return answer.body;
  }

  async post(path: string, value: unknown): Promise<Buffer> {
    const headers = { 'content-type': 'application/json' };
    const body = Buffer.from(JSON.stringify(value));
    const answer = await this.#ask({
      method: 'POST',
      path,
      headers,
      body,
      maxBytes: MAX_JSON_BYTES,
    });
    if (answer.status >= 300) throw this.#refusal(answer);
    return answer.body;
  }

  /** Whatever is answered, for a reader that bounds and believes it by itself. */
  async find(path: string): Promise<{ status: number; body: ReadableStream<Uint8Array> | null }> {
    const { status, body } = await this.#ask({
      method: 'GET',
      path,
      headers: {},
      maxBytes: MAX_JSON_BYTES,
    });
    return { status, body: status === 200 ? new Blob([new Uint8Array(body)]).stream() : null };
  }

  close(): void {
    this.#agent.destroy();
  }

  #keep(path: string, value: { readonly tag: string; readonly body: Buffer }): void {
    const [oldest] = this.#kept.keys();
    if (this.#kept.size >= MAX_KEPT && oldest !== undefined) this.#kept.delete(oldest);
    this.#kept.set(path, value);
  }

  async #ask(question: {
    readonly method: 'GET' | 'POST';
    readonly path: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body?: Buffer;
    readonly maxBytes: number;
  }): Promise<Answer> {
    const stop = new AbortController();
    const late = setTimeout(
      () => stop.abort(this.#unreachable(`no answer within ${String(ANSWER_MS)} ms`)),
      ANSWER_MS,
    );
    const endless = setTimeout(() => stop.abort(this.#unreachable('it takes too long')), WHOLE_MS);
    try {
      const response = await this.#begin(question, stop.signal);
      clearTimeout(late);
      response.setTimeout(SILENCE_MS, () => stop.abort(this.#unreachable('it fell silent')));
      const body = await this.#bodyOf(response, question.maxBytes);
      return { status: response.statusCode ?? 0, tag: response.headers.etag, body };
    } catch (error) {
      if (error instanceof HubError) throw error;
      const reason: unknown = stop.signal.reason;
      if (reason instanceof HubError) throw reason;
      throw this.#unreachable(wordsOf(error), error);
    } finally {
      clearTimeout(late);
      clearTimeout(endless);
    }
  }

  async #begin(
    question: {
      readonly method: string;
      readonly path: string;
      readonly headers: Readonly<Record<string, string>>;
      readonly body?: Buffer;
    },
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    const { url, token } = this.#ports;
    const { method, path, body } = question;
    const headers = {
      ...question.headers,
      'accept-encoding': 'identity',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-length': String(body.length) }),
    };
    const request = url.startsWith('https:') ? https.request : http.request;
    return await new Promise((resolve, reject) => {
      const options = { method, headers, agent: this.#agent, signal };
      const call = request(`${url}${path}`, options, resolve);
      call.on('error', reject);
      call.end(body);
    });
  }

  async #bodyOf(response: IncomingMessage, maxBytes: number): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let size = 0;
    // SAFETY: without an encoding set, a response yields Buffers.
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maxBytes) throw this.#invalid('it is larger than it may be');
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }

  /** The registry's own error when it is one that we know, else that it can't be understood. */
  #refusal({ status, body }: Answer): HubError {
    const problem = problemIn(body);
    if (problem !== null) return problem;
    if (status >= 500) return this.#unreachable(`it answers ${String(status)}`);
    return this.#invalid(`it answers ${String(status)}`);
  }

  #unreachable(detail: string, cause?: unknown): HubError {
    return new HubError('REGISTRY_UNREACHABLE', { registry: this.#ports.url, detail }, { cause });
  }

  #invalid(detail: string): HubError {
    return new HubError('REGISTRY_RESPONSE_INVALID', { registry: this.#ports.url, detail });
  }
}

/** Families of errors that a registry may speak of. */
const REGISTRYS_OWN = /^(?:REGISTRY|PUBLISH|TOKEN)_/u;

function problemIn(body: Buffer): HubError | null {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    if (typeof value !== 'object' || value === null || !('code' in value)) return null;
    const { code } = value;
    if (typeof code !== 'string' || !REGISTRYS_OWN.test(code) || !Object.hasOwn(ERROR_TABLE, code))
      return null;
    const data = 'data' in value ? value.data : {};
    // SAFETY: the code is one of the table's; texts of it are made from the data of the same table.
    return new HubError(code as ErrorCode, data as never);
  } catch {
    return null;
  }
}

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'it broke the connection off',
  ENOTFOUND: 'its name is not known',
  EAI_AGAIN: 'its name can’t be looked up now',
  ENETUNREACH: 'there is no way to its network',
  EHOSTUNREACH: 'there is no way to it',
  ETIMEDOUT: 'it does not answer',
};

function wordsOf(error: unknown): string {
  const isCoded = error instanceof Error && 'code' in error && typeof error.code === 'string';
  const code = isCoded ? String(error.code) : '';
  if (/^(?:ERR_TLS|CERT|UNABLE|SELF_SIGNED|DEPTH_ZERO)/u.test(code))
    return `its certificate is not believed (${code})`;
  return WORDS[code] ?? (code === '' ? 'the connection failed' : code);
}
