import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { HttpRequest } from '@runtime-hub/plugin-sdk/contract';
import { Client } from 'undici';
import { unreachable } from './failures.ts';

export interface Outgoing {
  readonly method: HttpRequest['method'];
  /** Path and query; the whole address for a proxy. */
  readonly path: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer | null;
}

/** One response, its body still to be read. Disposing it closes the connection. */
export interface Exchange extends Disposable {
  readonly status: number;
  /** As they came. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: AsyncIterable<Buffer>;
}

const MAX_HEADER_BYTES = 16_384;

/** Sends one request over a connection that is made, and used for nothing else. */
export async function exchange(
  socket: Duplex,
  { method, path, headers, body }: Outgoing,
  signal: AbortSignal,
): Promise<Exchange> {
  const client = clientOf(socket);
  const close = (): void => {
    socket.destroy();
    void client.destroy();
  };
  try {
    const response = await client.request({
      method,
      path,
      headers: headers.flat(),
      body,
      signal,
      responseHeaders: 'raw',
    });
    return {
      status: response.statusCode,
      headers: pairsOf(response.headers),
      body: response.body,
      [Symbol.dispose]: close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

/** Asks a proxy for a tunnel (RFC 9110 section 9.3.6) to `authority`, host and port. Rejects with NET_UNREACHABLE. */
export async function openTunnel(
  socket: Duplex,
  {
    authority,
    authorization,
  }: { readonly authority: string; readonly authorization: string | null },
  signal: AbortSignal,
): Promise<Duplex> {
  const client = clientOf(socket);
  const headers = {
    host: authority,
    ...(authorization === null ? {} : { 'proxy-authorization': authorization }),
  };
  try {
    const { statusCode, socket: tunnel } = await client.connect({
      path: authority,
      headers,
      signal,
    });
    if (statusCode === 200) return tunnel;
    throw unreachable(authority, `the proxy answered ${String(statusCode)}`);
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

function clientOf(socket: Duplex): Client {
  let unused: Duplex | null = socket;
  return new Client('http://connected.invalid', {
    allowH2: false,
    pipelining: 0,
    maxHeaderSize: MAX_HEADER_BYTES,
    // One deadline covers everything; `signal` carries it.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: (_options, done) => {
      const given = unused;
      unused = null;
      // Undici waits for ever when it is answered within its call.
      queueMicrotask(() => {
        // SAFETY: a socket, a TLS socket, or the socket of a tunnel.
        if (given !== null) done(null, given as Socket);
        else done(Object.assign(new Error('it is used'), { code: 'ECONNRESET' }), null);
      });
    },
  });
}

function pairsOf(raw: unknown): Exchange['headers'] {
  // SAFETY: `responseHeaders: 'raw'` gives names and values in turn, which undici's types don't know.
  const flat = raw as readonly string[];
  return flat.flatMap((name, index) => (index % 2 === 0 ? [[name, flat[index + 1] ?? '']] : []));
}
