import { HubError } from '@runtime-hub/plugin-sdk/contract';
import type { Asked } from './asked.ts';
import { Exchange, type ExchangePorts } from './exchange.ts';
import { StaticExchange } from './static-exchange.ts';

/** Opens what is reached at a URL: a registry, or a web server that knows nothing of registries and serves a mirror's files. */
export function openExchange(ports: ExchangePorts): Asked {
  return new EitherExchange(new Exchange(ports), ports.url);
}

/** Takes a server for a registry until it fails to answer like one but has a mirror's first file. */
class EitherExchange implements Asked {
  readonly #http: Exchange;
  readonly #url: string;
  #static: StaticExchange | null = null;

  constructor(http: Exchange, url: string) {
    this.#http = http;
    this.#url = url;
  }

  async get(path: string, maxBytes?: number): Promise<Buffer> {
    if (this.#static !== null) return await this.#static.get(path, maxBytes);
    try {
      const body = await this.#http.get(path, maxBytes);
      // A web server shows a folder as a page.
      if (path !== '/v1/' || body[0] === OPENING_BRACE || !(await this.#isStatic())) return body;
    } catch (error) {
      if (!HubError.is(error, 'REGISTRY_RESPONSE_INVALID') || !(await this.#isStatic()))
        throw error;
    }
    return await this.get(path, maxBytes);
  }

  async post(path: string, value: unknown): Promise<Buffer> {
    return await (this.#static ?? this.#http).post(path, value);
  }

  async find(path: string): Promise<{ status: number; body: ReadableStream<Uint8Array> | null }> {
    return await this.#http.find(path);
  }

  close(): void {
    this.#http.close();
  }

  async #isStatic(): Promise<boolean> {
    const read = async (path: string, maxBytes: number): Promise<Buffer | null> => {
      try {
        return await this.#http.get(`/${path}`, maxBytes);
      } catch (error) {
        // A registry says in its own words that it has no such file; any other server just says 404.
        if (HubError.is(error, 'REGISTRY_NOT_FOUND')) return null;
        if (HubError.is(error, 'REGISTRY_RESPONSE_INVALID')) return null;
        throw error;
      }
    };
    if ((await read('v1/index.json', MAX_DISCOVERY_BYTES)) === null) return false;
    this.#static = new StaticExchange(read, this.#url);
    return true;
  }
}

const OPENING_BRACE = 0x7b;
const MAX_DISCOVERY_BYTES = 64 * 1024;
