import { request, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { HubError, errorOf, type ErrorReport, type Json } from '@runtime-hub/plugin-sdk/contract';

/** Longest path a Unix socket may have (sun_path of unix(7), less its closing zero). */
const MAX_SOCKET_PATH = 107;

/** Where a hub that uses `folder` listens for its owner. Throws HUB_REQUEST_INVALID when the path is too long. */
export function socketPath(folder: string): string {
  const path = join(folder, 'hub.sock');
  if (Buffer.byteLength(path) <= MAX_SOCKET_PATH) return path;
  throw new HubError('HUB_REQUEST_INVALID', {
    field: '--data',
    value: folder,
    cure: 'The folder’s path is too long for a socket; choose a shorter one.',
  });
}

/** Talks to a hub over its socket; every failed answer is thrown as the HubError it stands for. */
export interface HubClient {
  send(method: 'GET' | 'POST' | 'DELETE', path: string, body?: Json): Promise<Json>;
  /** Lines of a stream of JSON values; ends with the hub or with `signal`. */
  stream(path: string, signal: AbortSignal): AsyncIterable<Json>;
}

export function createClient(folder: string): HubClient {
  const socket = socketPath(folder);
  return {
    async send(method, path, body) {
      const response = await open(socket, method, path, body);
      const text = await textOf(response);
      // SAFETY: the hub's own API answers JSON only.
      const value = (text === '' ? null : JSON.parse(text)) as Json;
      if ((response.statusCode ?? 500) < 400) return value;
      throw errorOf(value as unknown as ErrorReport);
    },
    async *stream(path, signal) {
      const response = await open(socket, 'GET', path, undefined);
      if ((response.statusCode ?? 500) >= 400)
        // SAFETY: the hub's own API answers an error as its report.
        throw errorOf(JSON.parse(await textOf(response)) as ErrorReport);
      const stop = (): void => void response.destroy();
      signal.addEventListener('abort', stop, { once: true });
      try {
        // SAFETY: each line of a stream is one JSON value written by the hub.
        for await (const line of createInterface({ input: response }))
          yield JSON.parse(line) as Json;
      } catch (error) {
        if (!signal.aborted) throw error;
      } finally {
        signal.removeEventListener('abort', stop);
        stop();
      }
    },
  };
}

/** True when a hub answers on the folder's socket. */
export async function isHubRunning(folder: string): Promise<boolean> {
  try {
    await createClient(folder).send('GET', '/healthz');
    return true;
  } catch {
    return false;
  }
}

async function open(
  socketFile: string,
  method: string,
  path: string,
  body: Json | undefined,
): Promise<IncomingMessage> {
  return await new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { 'content-type': 'application/json' };
    const call = request({ socketPath: socketFile, method, path, headers, agent: false }, resolve);
    call.on('error', reject);
    call.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  // SAFETY: without an encoding set, an http response yields Buffers.
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
