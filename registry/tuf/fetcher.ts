import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HubError } from '@runtime-hub/plugin-sdk/contract';
import type { BaseFetcher } from 'tuf-js';
import { DownloadHTTPError, DownloadLengthMismatchError } from 'tuf-js/dist/error.js';

/** Gets an address; a `Response` fits. Deadlines are the caller's, and what it throws reaches the client's caller. */
export type TufFetch = (url: string) => Promise<{
  readonly status: number;
  readonly body: ReadableStream<Uint8Array> | null;
}>;

type Fetcher = Pick<BaseFetcher, 'downloadFile' | 'downloadBytes'>;

/** Reads at most as much as the metadata allows; then it closes the connection, however much more would come. */
export class BoundedFetcher implements Fetcher {
  readonly #fetch: TufFetch;
  /** What the network threw, as it was. */
  failure: unknown = null;

  constructor(fetch: TufFetch) {
    this.#fetch = fetch;
  }

  async downloadBytes(url: string, maxLength: number): Promise<Buffer> {
    const { status, body } = await this.#network(async () => await this.#fetch(url));
    if (status !== 200 || body === null) {
      await body?.cancel();
      throw this.#absent(url, status);
    }
    const bytes = await this.#network(async () => await read(body, maxLength));
    if (bytes !== null) return bytes;
    throw new DownloadLengthMismatchError(`${lastOf(url)} is longer than it may be`);
  }

  async downloadFile<T>(
    url: string,
    maxLength: number,
    handler: (file: string) => Promise<T>,
  ): Promise<T> {
    const folder = await mkdtemp(join(tmpdir(), 'tuf-'));
    try {
      const file = join(folder, 'download');
      await writeFile(file, await this.downloadBytes(url, maxLength));
      return await handler(file);
    } finally {
      await rm(folder, { recursive: true });
    }
  }

  /** Only of what is not there may the library make its own; a server in trouble is no end of the roots. */
  #absent(url: string, status: number): Error {
    const detail = `${lastOf(url)}: status ${String(status)}`;
    if (status === 404 || status === 403) return new DownloadHTTPError(detail, status);
    const unreachable = new HubError('REGISTRY_UNREACHABLE', { registry: url, detail });
    this.failure = unreachable;
    return unreachable;
  }

  async #network<T>(act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      this.failure = error;
      throw error;
    }
  }
}

/** Null when there is more; leaving the loop cancels the body. */
async function read(body: ReadableStream<Uint8Array>, maxLength: number): Promise<Buffer | null> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > maxLength) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const lastOf = (url: string): string => url.slice(url.lastIndexOf('/') + 1);
