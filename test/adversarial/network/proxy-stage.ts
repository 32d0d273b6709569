import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { connect, type AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { makeCertificate } from '../../studio/server/services/http/certificate.ts';
import { PUBLIC, world, type WorldOptions } from '../../studio/server/services/http/world.ts';

/** The certificate of api.example. */
export const pem = makeCertificate('api.example');

interface ProxyServer extends AsyncDisposable {
  readonly url: string;
  /** Request lines and credentials it was given. */
  readonly asked: string[];
}

/** A proxy on loopback that leads every tunnel to `port`, or does as `tunnel` says. */
export async function proxyTo(
  port: number,
  tunnel: (client: Duplex, request: IncomingMessage) => void = (client) => {
    const target = connect(port, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      target.pipe(client).pipe(target);
    });
    target.on('error', () => client.destroy());
    client.on('error', () => target.destroy());
    client.on('close', () => target.destroy());
  },
): Promise<ProxyServer> {
  const asked: string[] = [];
  const note = (it: IncomingMessage): void => {
    const { host, 'proxy-authorization': credentials = '' } = it.headers;
    asked.push([it.method, it.url, host, credentials].join(' ').trim());
  };
  const sockets = new Set<Duplex>();
  const server = createServer((request, response) => {
    note(request);
    response.end('from the proxy');
  });
  server.on('connect', (request, client) => {
    note(request);
    sockets.add(client);
    tunnel(client, request);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // SAFETY: it listens on a port.
  const own = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { url: `http://127.0.0.1:${String(own.port)}`, asked, [Symbol.asyncDispose]: close };
}

/** An https server for api.example on loopback. */
export async function target(): Promise<
  AsyncDisposable & { readonly port: number; readonly seen: IncomingMessage[] }
> {
  const seen: IncomingMessage[] = [];
  const server = createSecureServer(pem, (request, response) => {
    seen.push(request);
    if (request.url === '/ssh') response.writeHead(302, { location: 'https://api.example:22/' });
    response.end('from the target');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // SAFETY: it listens on a port.
  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { port, seen, [Symbol.asyncDispose]: close };
}

/** A hub that asks the internet through the proxy at `url`. */
export const through = (url: string, options: WorldOptions = {}) =>
  world({
    networks: [],
    authorities: [pem.cert],
    resolve: async () => await Promise.resolve([PUBLIC]),
    proxy: { http: url, https: url },
    ...options,
  });
