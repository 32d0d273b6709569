import { once } from 'node:events';
import {
  brotliCompressSync,
  deflateRawSync,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { createHttpService } from '../../../../../studio/server/services/http/http-service.ts';
import { systemClock } from '../../../../../studio/server/system.ts';
import { caller, secretsOf, serve, serveRaw, world } from './world.ts';

test('a request reaches the server and its answer comes back', async () => {
  await using server = await serve((request, response, body) => {
    response.setHeader('X-Twice', ['a', 'b']);
    response.end(`${String(request.method)} ${String(request.url)} ${body}`);
  });
  const answer = await world().request({
    method: 'POST',
    url: `${server.url}/a?b=c#d`,
    headers: { 'X-Own': 'yes' },
    body: 'héllo',
  });
  expect(answer).toMatchObject({
    status: 200,
    url: `${server.url}/a?b=c`,
    text: 'POST /a?b=c héllo',
    sizeBytes: 18,
    headers: { 'x-twice': 'a, b' },
  });
  expect(server.seen[0]?.headers).toMatchObject({
    host: `127.0.0.1:${String(server.port)}`,
    'x-own': 'yes',
    'content-length': '6',
    'content-type': 'text/plain;charset=UTF-8',
    connection: 'close',
  });
});

test('an error status is an answer, not an error', async () => {
  await using server = await serve((_request, response) => response.writeHead(404).end('gone'));
  expect(await world().request({ url: server.url })).toMatchObject({ status: 404, text: 'gone' });
});

test('HEAD, 204 and 304 have no body, whatever their headers say', async () => {
  await using server = await serve((request, response) => {
    const status = request.url === '/' ? 200 : Number(request.url?.slice(1));
    response.writeHead(status, { 'content-encoding': 'gzip' }).end();
  });
  const { request } = world();
  for (const [method, path] of [
    ['HEAD', '/'],
    ['GET', '/204'],
    ['GET', '/304'],
  ] as const) {
    const answer = await request({ method, url: `${server.url}${path}` });
    expect(answer).toMatchObject({ text: '', sizeBytes: 0 });
  }
});

test.each([
  ['gzip', gzipSync],
  ['deflate', deflateSync],
  ['deflate', deflateRawSync],
  ['br', brotliCompressSync],
  ['zstd', zstdCompressSync],
  ['gzip, br', (text: string) => brotliCompressSync(gzipSync(text))],
  ['aws-chunked', (text: string) => Buffer.from(text)],
])('a body in %s comes decompressed', async (coding, compress) => {
  const text = 'tea '.repeat(10_000);
  await using server = await serve((_request, response) => {
    response.setHeader('content-encoding', coding);
    response.end(compress(text));
  });
  const answer = await world().request({ url: server.url });
  expect(answer.text === text).toBe(true);
  expect(answer.sizeBytes).toBe(text.length);
});

test('a body is kept as a blob with its media type, and a blob is sent as a body', async () => {
  await using server = await serve((_request, response, body) => {
    response.setHeader('content-type', 'image/png; a=b');
    response.end(`got ${body}`);
  });
  const { request, kept } = world();
  const blob = { $blob: '1'.repeat(32), mime: 'image/webp', sizeBytes: 9, sha256: '1'.repeat(64) };
  const answer = await request({ method: 'PUT', url: server.url, keep: 'blob', body: blob });
  expect(answer).toMatchObject({ sizeBytes: 13, blob: { mime: 'image/png', sizeBytes: 13 } });
  expect(answer).not.toHaveProperty('text');
  expect(kept.map(({ bytes }) => bytes.toString())).toEqual(['got of a blob']);
  expect(server.seen[0]?.headers['content-type']).toBe('image/webp');
});

describe('redirects', () => {
  test.each([
    [301, 'POST', 'GET', ''],
    [302, 'POST', 'GET', ''],
    [302, 'PUT', 'PUT', 'body'],
    [303, 'PUT', 'GET', ''],
    [307, 'POST', 'POST', 'body'],
    [308, 'PUT', 'PUT', 'body'],
  ] as const)('%i turns %s into %s, as fetch does', async (status, method, then, sent) => {
    await using server = await serve((request, response, body) => {
      if (request.url === '/b') response.end(`${String(request.method)} ${body}`);
      else response.writeHead(status, { location: '/b#c' }).end();
    });
    const target = `http://127.0.0.1:${String(server.port)}`;
    const { request, asked } = world({ grants: [target] });
    const answer = await request({ method, url: `${server.url}/a`, body: 'body' });
    expect(answer).toMatchObject({ text: `${then} ${sent}`, url: `${server.url}/b` });
    expect(asked).toEqual([{ capability: 'net.http', target }]);
    const type = server.seen[1]?.headers['content-type'];
    expect(type).toBe(sent === '' ? undefined : 'text/plain;charset=UTF-8');
  });

  test('five are followed, a sixth is not', async () => {
    await using server = await serve((request, response) => {
      const left = Number(request.url?.slice(1));
      if (left === 0) response.end('there');
      else response.writeHead(302, { location: `/${String(left - 1)}` }).end();
    });
    const { request } = world({ grants: ['*'] });
    expect(await request({ url: `${server.url}/5` })).toMatchObject({ text: 'there' });
    const sixth = request({ url: `${server.url}/6` });
    await expect(sixth).rejects.toMatchObject({ code: 'NET_RESPONSE_REFUSED' });
    expect(server.seen).toHaveLength(6 + 6);
  });

  test('none is followed when the request says so', async () => {
    await using server = await serve((_request, response) => {
      response.writeHead(302, { location: 'http://169.254.169.254/' }).end('look there');
    });
    const answer = await world().request({ url: server.url, redirects: 'stop' });
    expect(answer).toMatchObject({ status: 302, text: 'look there' });
    expect(answer.headers['location']).toBe('http://169.254.169.254/');
  });
});

test('a request that is aborted ends at once, and so does its connection', async () => {
  await using server = await serveRaw((socket) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc');
  });
  const stop = new AbortController();
  const answer = world().request({ url: server.url }, stop.signal);
  const refused = expect(answer).rejects.toMatchObject({ code: 'STEP_CANCELLED' });
  while (server.opened.length === 0) await new Promise((resolve) => setImmediate(resolve));
  await once(server.opened[0] ?? never(), 'data');
  const abortedAt = performance.now();
  stop.abort();
  await refused;
  await server.allClosed();
  expect(performance.now() - abortedAt).toBeLessThan(250);
});

test('a request whose signal has aborted sends nothing', async () => {
  await using server = await serve((_request, response) => response.end());
  const { request, connections } = world();
  const answer = request({ url: server.url }, AbortSignal.abort());
  await expect(answer).rejects.toMatchObject({ code: 'STEP_CANCELLED' });
  expect(connections).toEqual([]);
});

test('a server that is not there, and a name nobody knows, are unreachable', async () => {
  const server = await serve((_request, response) => response.end());
  await server[Symbol.asyncDispose]();
  const { request } = world({ resolve: async () => await Promise.reject(new Error('internal')) });
  await expect(request({ url: server.url })).rejects.toMatchObject({
    code: 'NET_UNREACHABLE',
    data: { detail: 'it refused the connection' },
  });
  const unknown = request({ url: 'https://nowhere.example/' });
  await expect(unknown).rejects.toMatchObject({
    code: 'NET_UNREACHABLE',
    data: { host: 'nowhere.example', detail: 'its name could not be looked up' },
  });
});

test('the next address is tried when the first does not answer', async () => {
  await using server = await serve((_request, response) => response.end('second'));
  const service = createHttpService({
    clock: systemClock,
    secrets: secretsOf({}),
    networks: ['127.0.0.0/8', '::1'],
    keepBlob: async () => await Promise.reject(new Error('unused')),
    readBlob: async () => await Promise.reject(new Error('unused')),
    resolve: async () => await Promise.resolve(['::1', '127.0.0.1']),
  });
  const args = { method: 'GET', url: `http://two.example:${String(server.port)}/` };
  const use = { caller, signal: new AbortController().signal, permit: () => {} };
  expect(await service.call('request', args, use)).toMatchObject({ text: 'second' });
});

test('more requests than a plugin may have at a time wait for a place', async () => {
  const waiting: (() => void)[] = [];
  await using server = await serve((_request, response) => {
    waiting.push(() => void response.end('done'));
  });
  const { request, connections } = world();
  const answers = Array.from({ length: 20 }, async () => await request({ url: server.url }));
  while (waiting.length < 16) await new Promise((resolve) => setImmediate(resolve));
  expect(connections).toHaveLength(16);
  while (connections.length < 20 || waiting.length > 0) {
    waiting.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const texts = (await Promise.all(answers)).map(({ text }) => text);
  expect(texts).toEqual(Array.from({ length: 20 }, () => 'done'));
});

test('what the service does not offer is denied', async () => {
  const service = createHttpService({
    clock: systemClock,
    secrets: secretsOf({}),
    keepBlob: async () => await Promise.reject(new Error('unused')),
    readBlob: async () => await Promise.reject(new Error('unused')),
  });
  const use = { caller, signal: new AbortController().signal, permit: () => {} };
  const answer = service.call('constructor', {}, use);
  await expect(answer).rejects.toMatchObject({ code: 'CAPABILITY_DENIED' });
});

const never = (): never => {
  throw new Error('no connection');
};
