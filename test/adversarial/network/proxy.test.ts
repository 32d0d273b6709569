import { once } from 'node:events';
import { createServer as createSecureServer } from 'node:https';
import { connect, type AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { createHttpService } from '../../../studio/server/services/http/http-service.ts';
import { createProxyRule } from '../../../studio/server/services/http/proxy.ts';
import { makeCertificate } from '../../studio/server/services/http/certificate.ts';
import { secretsOf, serve, serveRaw, world } from '../../studio/server/services/http/world.ts';
import { pem, proxyTo, target, through } from './proxy-stage.ts';

const withUser = (url: string): string => url.replace('http://', 'http://user:p%40ss@');
const CREDENTIALS = `Basic ${Buffer.from('user:p@ss').toString('base64')}`;

test('https goes through a tunnel to the very host and port; the proxy sees nothing else', async () => {
  await using server = await target();
  await using proxy = await proxyTo(server.port);
  const secrets = secretsOf({ key: 'k-value-1' });
  const { request, connections } = through(withUser(proxy.url), { secrets });
  const headers = { 'x-key': { $secret: 'key' } };
  const answer = await request({ url: 'https://api.example/path?q=1', headers });
  expect(answer).toMatchObject({ text: 'from the target', url: 'https://api.example/path?q=1' });
  expect(proxy.asked).toEqual([`CONNECT api.example:443 api.example:443 ${CREDENTIALS}`]);
  expect(connections).toMatchObject([{ host: '127.0.0.1' }]);
  expect(server.seen[0]?.headers).toMatchObject({ host: 'api.example', 'x-key': 'k-value-1' });
  expect(server.seen[0]?.headers['proxy-authorization']).toBeUndefined();
});

test('a proxy that is reached by TLS has to show its own certificate', async () => {
  await using server = await target();
  const own = makeCertificate('proxy.example');
  const proxy = createSecureServer(own);
  const sockets: Duplex[] = [];
  proxy.on('connect', (_request, client: Duplex) => {
    const onward = connect(server.port, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n');
      onward.pipe(client).pipe(onward);
    });
    sockets.push(client, onward);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  // SAFETY: it listens on a port.
  const { port } = proxy.address() as AddressInfo;
  const ask = async (authorities: readonly string[]) =>
    await through(`https://proxy.example:${String(port)}`, { port, authorities }).request({
      url: 'https://api.example/',
    });
  expect(await ask([pem.cert, own.cert])).toMatchObject({ text: 'from the target' });
  await expect(ask([pem.cert])).rejects.toMatchObject({ code: 'NET_UNREACHABLE' });
  await expect(ask([own.cert])).rejects.toMatchObject({ code: 'NET_UNREACHABLE' });
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => proxy.close(resolve));
});

test('plain http is asked of the proxy with the whole address', async () => {
  await using proxy = await proxyTo(0);
  const { request } = through(withUser(proxy.url));
  const answer = await request({ url: 'http://api.example:8080/path?q=1#hash' });
  expect(answer).toMatchObject({ text: 'from the proxy' });
  const line = 'GET http://api.example:8080/path?q=1 api.example:8080';
  expect(proxy.asked).toEqual([`${line} ${CREDENTIALS}`]);
});

describe('a tunnel is opened only to what is granted', () => {
  test('not by a redirect to ssh on the granted host', async () => {
    await using server = await target();
    await using proxy = await proxyTo(server.port);
    const { request, asked } = through(proxy.url, { grants: ['api.example'] });
    const answer = request({ url: 'https://api.example/ssh' });
    await expect(answer).rejects.toMatchObject({ code: 'CAPABILITY_DENIED' });
    expect(asked).toEqual([{ capability: 'net.http', target: 'api.example:22' }]);
    expect(proxy.asked).toHaveLength(1);
  });

  test.each([
    'https://169.254.169.254/',
    'http://169.254.169.254/latest/',
    'https://0x7f.1:6379/',
    'https://[::ffff:10.0.0.1]/',
    'http://[64:ff9b::a9fe:a9fe]/',
  ])('not to the address %s', async (url) => {
    await using proxy = await proxyTo(0);
    const { request, connections } = through(proxy.url);
    await expect(request({ url })).rejects.toMatchObject({ code: 'NET_ADDRESS_REFUSED' });
    expect(connections).toEqual([]);
  });

  test('not to a name that the hub knows to be private', async () => {
    await using proxy = await proxyTo(0);
    const resolve = async () => await Promise.resolve(['10.0.0.1']);
    const { request, connections } = through(proxy.url, { resolve });
    const answer = request({ url: 'https://inside.example/' });
    await expect(answer).rejects.toMatchObject({ code: 'NET_ADDRESS_REFUSED' });
    expect(connections).toEqual([]);
  });

  test('but to a name that only the proxy knows', async () => {
    await using server = await target();
    await using proxy = await proxyTo(server.port);
    const resolve = async () => await Promise.reject(new Error('unknown'));
    const { request } = through(proxy.url, { resolve });
    expect(await request({ url: 'https://api.example/' })).toMatchObject({ status: 200 });
  });
});

describe('a proxy that does not do its work', () => {
  test.each([
    [
      'asks for a password',
      'HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 6\r\n\r\nsecret',
      'the proxy answered 407',
    ],
    ['refuses', 'HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n', 'the proxy answered 403'],
    [
      'speaks for the target before TLS',
      'HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\nforged',
      /no secure connection|closed/u,
    ],
    ['closes the tunnel at once', '', 'it closed the connection'],
  ])('%s', async (_name, text, detail) => {
    await using proxy = await proxyTo(0, (client) => void client.end(text));
    const answer = through(proxy.url).request({ url: 'https://api.example/', timeoutMs: 5000 });
    await expect(answer).rejects.toMatchObject({ code: 'NET_UNREACHABLE' });
    await expect(answer).rejects.toThrow(detail);
    expect(proxy.asked).toHaveLength(1);
  });

  test('says nothing', async () => {
    await using proxy = await proxyTo(0, () => {});
    const answer = through(proxy.url).request({ url: 'https://api.example/', timeoutMs: 200 });
    await expect(answer).rejects.toMatchObject({ code: 'STEP_TIMED_OUT' });
  });

  test('is not there', async () => {
    const proxy = await proxyTo(0);
    await proxy[Symbol.asyncDispose]();
    const answer = through(proxy.url).request({ url: 'https://api.example/' });
    await expect(answer).rejects.toMatchObject({ code: 'NET_UNREACHABLE' });
  });

  test('is aborted while it makes the tunnel', async () => {
    await using proxy = await serveRaw(() => {});
    const stop = new AbortController();
    const answer = through(proxy.url).request({ url: 'https://api.example/' }, stop.signal);
    const refused = expect(answer).rejects.toMatchObject({ code: 'STEP_CANCELLED' });
    while (proxy.opened.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await Promise.all(proxy.opened.map(async (client) => await once(client, 'data')));
    stop.abort();
    await refused;
    await proxy.allClosed();
    expect(proxy.opened).toHaveLength(1);
  });

  test('shows another certificate than the target’s', async () => {
    const forged = makeCertificate('api.example');
    const server = createSecureServer(forged, (_request, response) => response.end('forged'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    // SAFETY: it listens on a port.
    await using proxy = await proxyTo((server.address() as AddressInfo).port);
    const answer = through(proxy.url).request({ url: 'https://api.example/' });
    await expect(answer).rejects.toMatchObject({ code: 'NET_UNREACHABLE' });
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
});

test('the environment alone names no proxy', async () => {
  await using proxy = await proxyTo(0);
  await using server = await serve((_request, response) => response.end('direct'));
  process.env['HTTP_PROXY'] = proxy.url;
  try {
    const { request } = world();
    expect(await request({ url: server.url })).toMatchObject({ text: 'direct' });
    expect(proxy.asked).toEqual([]);
  } finally {
    delete process.env['HTTP_PROXY'];
  }
});

test('hosts of NO_PROXY are reached directly, and only they', () => {
  const rule = createProxyRule({
    http: 'p:1',
    https: 'http://p:2',
    no: 'a.example, .b.example,c.example:8443 [::1]',
  });
  const isDirect = (url: string): boolean => rule(new URL(url)) === null;
  for (const url of [
    'https://a.example/',
    'https://x.a.example/',
    'https://A.example.:444/',
    'http://x.b.example/',
    'https://c.example:8443/',
    'http://[::1]:80/',
  ]) {
    expect([url, isDirect(url)]).toEqual([url, true]);
  }
  for (const url of ['https://xa.example/', 'https://a.example.evil/', 'https://c.example/']) {
    expect([url, isDirect(url)]).toEqual([url, false]);
  }
  expect(createProxyRule({ https: 'p:1', no: '*' })(new URL('https://a.example/'))).toBeNull();
  expect(createProxyRule({ https: 'p:1' })(new URL('http://a.example/'))).toBeNull();
});

test('a proxy of the wrong form stops the hub, without showing its password', () => {
  for (const https of ['socks5://user:hunter2@p', 'http://user:hunter2@']) {
    const open = () =>
      createHttpService({
        clock: { now: () => 0, after: () => ({ [Symbol.dispose]: () => {} }) },
        secrets: secretsOf({}),
        proxy: { https },
        keepBlob: async () => await Promise.reject(new Error('unused')),
        readBlob: async () => await Promise.reject(new Error('unused')),
      });
    expect(open).toThrow(expect.objectContaining({ code: 'HUB_REQUEST_INVALID' }));
    expect(open).not.toThrow(/hunter2/u);
  }
});
