import { chmodSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import { Hono } from 'hono';
import { createApp, healthOf, withErrors } from './api/app.ts';
import { socketPath } from './api/client.ts';
import type { Hub } from './hub.ts';
import { statusPage } from './status-page.ts';

/** A hub's open doors; disposing closes them. */
export interface Doors extends AsyncDisposable {
  /** Resolves when somebody asked the hub to stop. */
  readonly stopped: Promise<void>;
}

/** Serves the whole API to the owner of the data folder, on a socket only they can open. */
export async function serveOwner(hub: Hub): Promise<Doors> {
  const path = socketPath(hub.folder);
  // The folder's lock is held by this hub, so a socket that is still there belongs to a dead one.
  rmSync(path, { force: true });
  const { promise: stopped, resolve: stop } = Promise.withResolvers<void>();
  const server = toServer(createApp(hub, stop));
  await listen(server, { path });
  chmodSync(path, 0o600);
  return { stopped, [Symbol.asyncDispose]: async () => await close(server) };
}

/** Serves the read-only status page on a loopback port. Port 0 takes a free one. */
export async function serveStatus(
  hub: Hub,
  port: number,
): Promise<{ readonly port: number } & AsyncDisposable> {
  const app = withErrors(new Hono());
  app.use(async (context, next) => {
    // A page of a foreign site that resolves its own name to 127.0.0.1 (DNS rebinding) comes with its own Host.
    const host = (context.req.header('host') ?? '').replace(/:\d+$/u, '');
    if (host !== '127.0.0.1' && host !== 'localhost') return context.text('Unknown host', 421);
    await next();
    context.header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'");
    context.header('x-content-type-options', 'nosniff');
    return undefined;
  });
  app.get('/', (context) => context.html(statusPage(hub)));
  app.get('/healthz', (context) => context.json(healthOf(hub)));
  const server = toServer(app);
  await listen(server, { port, host: '127.0.0.1' });
  const address = server.address();
  const taken = typeof address === 'object' && address !== null ? address.port : port;
  return { port: taken, [Symbol.asyncDispose]: async () => await close(server) };
}

function toServer(app: Hono): Server {
  // SAFETY: without TLS or HTTP/2 options the adaptor makes a plain http.Server.
  return createAdaptorServer({ fetch: app.fetch }) as Server;
}

async function listen(
  server: Server,
  where: { path: string } | { port: number; host: string },
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(where, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise<void>((resolve) => void server.close(() => resolve()));
}
