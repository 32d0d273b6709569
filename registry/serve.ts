import type { Server } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import type { Registry } from './registry.ts';

export interface ServeOptions {
  /** 0 takes a free one. */
  readonly port: number;
  /** Loopback when left out. */
  readonly host?: string;
  /** How long a client may take for its headers, and for its whole request. */
  readonly headersTimeoutMs?: number;
  readonly requestTimeoutMs?: number;
}

/** A registry's open door; disposing closes it. */
export interface Door extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  readonly server: Server;
}

const LOOPBACK = '127.0.0.1';
const MAX_CONNECTIONS = 2000;

/** Serves a registry over HTTP/1.1. Clients that send too slowly are let go. */
export async function serveRegistry(registry: Registry, options: ServeOptions): Promise<Door> {
  const { port, host = LOOPBACK, headersTimeoutMs = 10_000, requestTimeoutMs = 120_000 } = options;
  const serverOptions = {
    headersTimeout: headersTimeoutMs,
    requestTimeout: requestTimeoutMs,
    connectionsCheckingInterval: Math.min(5000, headersTimeoutMs / 2),
    keepAliveTimeout: 15_000,
    maxHeaderSize: 16 * 1024,
  };
  // SAFETY: without TLS or HTTP/2 options the adaptor makes a plain http.Server.
  const server = createAdaptorServer({ fetch: registry.app.fetch, serverOptions }) as Server;
  server.maxConnections = MAX_CONNECTIONS;
  const push = registry.attach(server);
  await listen(server, port, host);
  const address = server.address();
  const taken = typeof address === 'object' && address !== null ? address.port : port;
  const name = host.includes(':') ? `[${host}]` : host;
  return {
    port: taken,
    url: `http://${name}:${String(taken)}`,
    server,
    [Symbol.asyncDispose]: async () => {
      push[Symbol.dispose]();
      await close(server);
    },
  };
}

async function listen(server: Server, port: number, host: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Lets answers that are under way finish for a moment. */
async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), 1000);
  await closed;
  clearTimeout(timer);
}
