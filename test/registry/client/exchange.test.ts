import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer as createSocketServer, type Server as SocketServer } from 'node:net';
import { expect, test } from 'vitest';
import { Exchange } from '../../../registry/client/exchange.ts';

interface Peer extends AsyncDisposable {
  readonly url: string;
}

async function listening(server: Server | SocketServer, end: () => void): Promise<Peer> {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  // SAFETY: it listens on a port.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${String(port)}`,
    [Symbol.asyncDispose]: async () => {
      end();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };
}

async function answering(listener: RequestListener): Promise<Peer> {
  const server = createServer(listener);
  return await listening(server, () => server.closeAllConnections());
}

async function failing(url: string, path = '/v1/'): Promise<{ error: unknown; ms: number }> {
  const exchange = new Exchange({ url });
  const before = performance.now();
  try {
    await exchange.get(path, 1000);
    throw new Error('it should have failed');
  } catch (error) {
    return { error, ms: performance.now() - before };
  } finally {
    exchange.close();
  }
}

test('where nothing listens, or what listens says nothing, the answer comes within a second', async () => {
  const gone = await answering(() => undefined);
  await gone[Symbol.asyncDispose]();
  const nobody = await failing(gone.url);
  expect(nobody.error).toMatchObject({ code: 'REGISTRY_UNREACHABLE' });
  expect(nobody.ms).toBeLessThan(1000);
  const sockets = new Set<{ destroy: () => unknown }>();
  const mute = createSocketServer((socket) => void sockets.add(socket));
  await using silent = await listening(mute, () => sockets.forEach((it) => it.destroy()));
  const said = await failing(silent.url);
  expect(said.error).toMatchObject({ code: 'REGISTRY_UNREACHABLE' });
  expect(said.ms).toBeLessThan(1000);
});

test('a host without a name, and one that breaks off, are unreachable', async () => {
  await using rude = await answering((request) => request.socket.destroy());
  for (const url of ['http://no-such-host.invalid', rude.url]) {
    const { error, ms } = await failing(url);
    expect(error).toMatchObject({ code: 'REGISTRY_UNREACHABLE', data: { registry: url } });
    expect(ms).toBeLessThan(1000);
  }
});

test('more bytes than allowed, a redirect and an unknown status are not taken', async () => {
  const replies: Record<string, RequestListener> = {
    '/large': (_request, reply) => void reply.end(Buffer.alloc(1001)),
    '/endless': (_request, reply) => {
      const more = (): void => void (reply.write(Buffer.alloc(500)) && setImmediate(more));
      more();
    },
    '/away': (_request, reply) => void reply.writeHead(302, { location: '/large' }).end(),
    '/odd': (_request, reply) => void reply.writeHead(418).end('{"code":"CAPABILITY_DENIED"}'),
  };
  await using peer = await answering((request, reply) =>
    replies[request.url ?? '']?.(request, reply),
  );
  for (const path of Object.keys(replies))
    expect((await failing(peer.url, path)).error).toMatchObject({
      code: 'REGISTRY_RESPONSE_INVALID',
    });
});

test('a registry’s own error is thrown as itself; one that speaks for the hub, or of itself, is not believed', async () => {
  const problem = (code: string, data: object) => JSON.stringify({ code, data });
  const bodies: Record<string, string> = {
    '/known': problem('REGISTRY_NOT_FOUND', { what: 'plugin' }),
    '/ours': problem('PLUGIN_REVOKED', { plugin: 'a/b', version: '1.0.0', reason: 'x' }),
    '/proto': problem('__proto__', {}),
    '/broken': problem('REGISTRY_VERSION_EXISTS', { plugin: null }),
  };
  await using peer = await answering((request, reply) => {
    reply.writeHead(404).end(bodies[request.url ?? '']);
  });
  const codes = await Promise.all(
    Object.keys(bodies).map(async (path) => (await failing(peer.url, path)).error),
  );
  expect(codes).toMatchObject([
    { code: 'REGISTRY_NOT_FOUND' },
    { code: 'REGISTRY_RESPONSE_INVALID' },
    { code: 'REGISTRY_RESPONSE_INVALID' },
    { code: 'REGISTRY_VERSION_EXISTS' },
  ]);
});

test('an answer with an entity tag is kept, and asked for again only if it changed', async () => {
  const asked: (string | undefined)[] = [];
  await using peer = await answering((request, reply) => {
    asked.push(request.headers['if-none-match']);
    if (request.headers['if-none-match'] === '"one"') return void reply.writeHead(304).end();
    reply.writeHead(200, { etag: '"one"' }).end('body');
  });
  const exchange = new Exchange({ url: peer.url, token: 'secret' });
  expect((await exchange.get('/a')).toString()).toBe('body');
  expect((await exchange.get('/a')).toString()).toBe('body');
  expect(asked).toEqual([undefined, '"one"']);
  exchange.close();
});
