import { describe, expect, test } from 'vitest';
import { makeCertificate } from '../../studio/server/services/http/certificate.ts';
import { createServer } from 'node:https';
import { once } from 'node:events';
import { PUBLIC, secretsOf, serve, world } from '../../studio/server/services/http/world.ts';

const redirecting = async (location: string, status = 302) =>
  await serve((_request, response) => void response.writeHead(status, { location }).end('moved'));

describe('a redirect is checked as if it were asked for', () => {
  test.each([
    'http://169.254.169.254/latest/meta-data/',
    'http://0xa9fea9fe/',
    'http://[::ffff:169.254.169.254]/',
    'http://[64:ff9b::a9fe:a9fe]/',
    'http://10.0.0.1/admin',
    'http://[fd00:ec2::254]/',
  ])('to %s, though every host is granted', async (location) => {
    await using server = await redirecting(location);
    const { request, connections } = world({ grants: ['*'] });
    const answer = request({ url: server.url });
    await expect(answer).rejects.toMatchObject({ code: 'NET_ADDRESS_REFUSED' });
    expect(connections).toHaveLength(1);
  });

  test.each([
    ['another host', 'http://other.example/'],
    ['another port of the same host', 'http://127.0.0.1:6379/'],
    ['a host below the granted one', 'http://evil.127.0.0.1.example/'],
    ['a scheme-relative address', '//other.example/a'],
    ['a backslash address', '\\\\other.example\\a'],
    ['a homograph of the granted host', 'http://аpi.example/'],
    ['letters of full width', 'http://ａpi.example/'],
  ])('to %s', async (_name, location) => {
    await using server = await redirecting(Buffer.from(location).toString('latin1'));
    const { request, connections } = world({ grants: ['api.example'] });
    const answer = request({ url: server.url });
    await expect(answer).rejects.toMatchObject({ code: 'CAPABILITY_DENIED' });
    expect(connections).toHaveLength(1);
  });

  test.each([
    ['a file', 'file:///etc/passwd'],
    ['data', 'data:text/plain,hello'],
    ['a script', 'javascript:alert(1)'],
    ['gopher', 'gopher://127.0.0.1:6379/_FLUSHALL'],
    ['an address with a password', 'http://user:pass@127.0.0.1/'],
    ['no address', 'http://[::1'],
    ['a port that is none', 'http://127.0.0.1:99999/'],
    ['a pattern', 'http://*.example/'],
  ])('to %s', async (_name, location) => {
    await using server = await redirecting(location);
    const { request, connections, asked } = world({ grants: ['*'] });
    const answer = request({ url: server.url });
    await expect(answer).rejects.toMatchObject({ code: 'NET_RESPONSE_REFUSED' });
    expect(connections).toHaveLength(1);
    expect(asked).toEqual([]);
  });

  test('in a loop', async () => {
    await using server = await redirecting('/');
    const answer = world({ grants: ['*'] }).request({ url: server.url });
    await expect(answer).rejects.toMatchObject({ code: 'NET_RESPONSE_REFUSED' });
    expect(server.seen).toHaveLength(6);
  });

  test('to two places at once', async () => {
    await using server = await serve((_request, response) => {
      response.writeHead(302, ['Location', '/a', 'Location', 'http://other.example/']).end();
    });
    const answer = world({ grants: ['*'] }).request({ url: server.url });
    await expect(answer).rejects.toMatchObject({ code: 'NET_RESPONSE_REFUSED' });
    expect(server.seen).toHaveLength(1);
  });

  test('by a grant that is taken away on the way', async () => {
    const grants: string[] = [];
    await using server = await serve((_request, response) => {
      grants.length = 0;
      response.writeHead(302, { location: '/next' }).end();
    });
    grants.push(`http://127.0.0.1:${String(server.port)}`);
    const spied = world({ grants });
    const answer = spied.request({ url: server.url });
    await expect(answer).rejects.toMatchObject({ code: 'CAPABILITY_DENIED' });
    expect(server.seen).toHaveLength(1);
  });
});

test('a redirect from https to http is refused, also to the same host', async () => {
  const pem = makeCertificate('api.example');
  const server = createServer(pem, (_request, response) => {
    response.writeHead(302, { location: 'http://api.example/' }).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const resolve = async () => await Promise.resolve([PUBLIC]);
    const spied = world({ resolve, port, authorities: [pem.cert], grants: ['*'] });
    const answer = spied.request({ url: 'https://api.example/' });
    await expect(answer).rejects.toMatchObject({
      code: 'NET_RESPONSE_REFUSED',
      data: { host: 'api.example', detail: 'it redirects from https to http' },
    });
    expect(spied.connections).toHaveLength(1);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

describe('credentials', () => {
  const headers = {
    authorization: 'Bearer own',
    cookie: 'a=b',
    'x-key': { $secret: 'key' },
    'x-plain': 'plain',
  } as const;

  test('stay behind when a redirect leads to another origin, and do not come back with it', async () => {
    await using second = await serve((_request, response) => {
      response.writeHead(302, { location: `${first.url}/back` }).end();
    });
    await using first = await serve((request, response) => {
      if (request.url === '/back') response.end('back');
      else response.writeHead(307, { location: `${second.url}/b` }).end();
    });
    const secrets = secretsOf({ key: 'k-value-1' });
    const granted = world({
      secrets,
      grants: [first, second].map(({ port }) => `http://127.0.0.1:${String(port)}`),
    });
    expect(await granted.request({ url: `${first.url}/a`, headers })).toMatchObject({
      text: 'back',
    });
    expect(first.seen[0]?.headers).toMatchObject({ 'x-key': 'k-value-1', cookie: 'a=b' });
    for (const seen of [second.seen[0], first.seen[1]]) {
      expect(seen?.headers['x-plain']).toBe('plain');
      for (const name of ['authorization', 'cookie', 'x-key']) {
        expect(seen?.headers[name]).toBeUndefined();
      }
    }
  });

  test('go along within their origin', async () => {
    await using server = await serve((request, response) => {
      if (request.url === '/b') response.end('there');
      else response.writeHead(302, { location: '/b' }).end();
    });
    const granted = world({ secrets: secretsOf({ key: 'k-value-1' }), grants: ['*'] });
    await granted.request({ url: `${server.url}/a`, headers });
    expect(server.seen[1]?.headers).toMatchObject({
      authorization: 'Bearer own',
      'x-key': 'k-value-1',
    });
  });
});
