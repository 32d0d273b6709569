import { readdirSync, readlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { ProblemDetails } from '@runtime-hub/plugin-sdk/contract';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { createRegistry, serveRegistry } from '../../registry/index.ts';
import { temporaryFolder } from '../support/hub.ts';
import {
  artifactOf,
  makePublisher,
  openRegistry,
  post,
  publishOne,
  setClock,
} from './open-registry.ts';

test('the OpenAPI description names exactly the routes that are there', async () => {
  await using at = await openRegistry();
  const { paths, openapi } = (await at.ask('GET', '/v1/openapi.json')).json;
  expect(openapi).toBe('3.1.0');
  const described = Object.entries<Record<string, unknown>>(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map(
      (method) =>
        `${method.toUpperCase()} ${path.replace('{path}', '*').replace(/\{(\w+)\}/gu, ':$1')}`,
    ),
  );
  const there = at.registry.app.routes
    .filter(({ method }) => method !== 'ALL')
    .map(({ method, path }) => `${method} ${path}`);
  expect(described.toSorted()).toEqual([...new Set(there)].toSorted());
});

test('every schema of the description compiles', async () => {
  await using at = await openRegistry();
  const { paths } = (await at.ask('GET', '/v1/openapi.json')).json;
  const schemas = JSON.stringify(paths).match(/"schema":/gu) ?? [];
  expect(schemas.length).toBeGreaterThan(50);
  const ajv = new Ajv2020({ strict: false });
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [key, item] of Object.entries(value)) {
      if (key === 'schema' && !JSON.stringify(item).includes('#/components'))
        ajv.compile(item as object);
      else visit(item);
    }
  };
  expect(() => visit(paths)).not.toThrow();
});

test('errors are problems of RFC 9457 with the table’s code and cure', async () => {
  await using at = await openRegistry();
  const isProblem = new Ajv2020({ strict: true }).compile(ProblemDetails);
  for (const path of [
    '/nowhere',
    '/v1/plugins/Bad/../x',
    '/v1/plugins?runtime=root',
    '/v1/admin/tokens',
  ]) {
    const reply = await at.ask('GET', path);
    expect(reply.headers.get('content-type')).toBe('application/problem+json');
    expect(isProblem(reply.json)).toBe(true);
    expect(reply.json.status).toBe(reply.status);
    expect(reply.json.cure).not.toBe('');
  }
});

test('an answer is not sent again to who has it, and is when it changed', async () => {
  await using at = await openRegistry();
  const acme = await makePublisher(at, 'acme');
  const { digest } = await publishOne(at, acme, 'ocr');
  const paths = [
    '/v1/plugins',
    '/v1/plugins/acme/ocr',
    '/v1/plugins/acme/ocr/1.0.0',
    '/v1/',
    '/v1/log/checkpoint',
  ];
  const tags = new Map<string, string>();
  for (const path of [...paths, `/v1/blobs/sha512/${digest.slice(7)}`]) {
    const tag = (await at.ask('GET', path)).headers.get('etag') ?? '';
    tags.set(path, tag);
    const again = await at.ask('GET', path, { headers: { 'if-none-match': tag } });
    expect([again.status, again.text]).toEqual([304, '']);
  }
  await publishOne(at, acme, 'ocr', '1.1.0');
  for (const path of ['/v1/plugins', '/v1/plugins/acme/ocr', '/v1/log/checkpoint']) {
    const again = await at.ask('GET', path, { headers: { 'if-none-match': tags.get(path) ?? '' } });
    expect(again.status).toBe(200);
  }
});

test('a search takes words as words: operators, quotes and wild cards of FTS5 do nothing', async () => {
  await using at = await openRegistry();
  const acme = await makePublisher(at, 'acme');
  await publishOne(at, acme, 'ocr');
  for (const q of [
    'ocr" OR "x',
    'title:ocr',
    'NEAR(ocr)',
    '*',
    '"',
    "'; DROP TABLE versions; --",
    'ocr AND',
    '\0',
    '𝕠𝕔𝕣',
  ])
    expect((await at.ask('GET', `/v1/plugins?q=${encodeURIComponent(q)}`)).status).toBe(200);
  expect((await at.ask('GET', '/v1/plugins?q=OC')).json.items).toHaveLength(1);
  expect((await at.ask('GET', `/v1/plugins?q=${'a'.repeat(201)}`)).json.code).toBe(
    'REGISTRY_REQUEST_INVALID',
  );
});

test('a search goes on from its cursor, filters, and takes no cursor of another search', async () => {
  await using at = await openRegistry();
  const acme = await makePublisher(at, 'acme');
  const permission = { capability: 'clock', target: '*', reason: 'to know the time' };
  for (const name of ['one', 'two', 'three']) await publishOne(at, acme, name);
  await publishOne(at, acme, 'timer', '1.0.0', { permissions: [permission] });
  const first = (await at.ask('GET', '/v1/plugins?limit=3')).json;
  expect(first.items).toHaveLength(3);
  const second = (await at.ask('GET', `/v1/plugins?limit=3&cursor=${String(first.next)}`)).json;
  expect([second.items.length, second.next]).toEqual([1, null]);
  const ids = [...first.items, ...second.items].map((it: { id: string }) => it.id);
  expect(new Set(ids).size).toBe(4);
  const other = await at.ask('GET', `/v1/plugins?q=one&cursor=${String(first.next)}`);
  expect(other.json.code).toBe('REGISTRY_REQUEST_INVALID');
  const timers = (await at.ask('GET', '/v1/plugins?capability=clock')).json.items;
  expect(timers.map((it: { id: string }) => it.id)).toEqual(['acme/timer']);
  expect((await at.ask('GET', '/v1/plugins?runtime=python')).json.items).toEqual([]);
  expect((await at.ask('GET', '/v1/plugins?namespace=globex')).json.items).toEqual([]);
});

test('downloads are counted, and shown once they are written down', async () => {
  await using at = await openRegistry();
  const acme = await makePublisher(at, 'acme');
  const { digest } = await publishOne(at, acme, 'ocr');
  for (let count = 0; count < 3; count++)
    await at.ask('GET', `/v1/blobs/sha512/${digest.slice(7)}`);
  at.registry.tick();
  expect((await at.ask('GET', '/v1/plugins/acme/ocr')).json.downloads).toBe(3);
  expect((await at.ask('GET', '/v1/plugins')).json.items[0].downloads).toBe(3);
});

test('an Idempotency-Key gives the same answer again, and serves one request only', async () => {
  await using at = await openRegistry();
  const acme = await makePublisher(at, 'acme');
  const headers = { 'idempotency-key': 'build-17' };
  const { signArtifact } = await import('@runtime-hub/plugin-sdk/artifact');
  const { formOf } = await import('./open-registry.ts');
  const artifact = artifactOf('acme/ocr', '1.0.0');
  const bundle = await signArtifact(artifact, acme.key);
  const send = async () =>
    await at.ask('POST', '/v1/publish', {
      token: acme.token,
      headers,
      body: formOf(artifact, bundle),
    });
  const [first, second] = [await send(), await send()];
  expect([second.status, second.text]).toEqual([first.status, first.text]);
  expect(first.status).toBe(201);
  const other = await post(at.ask, acme, artifactOf('acme/ocr', '1.1.0'), headers);
  expect(other.json.code).toBe('PUBLISH_KEY_REUSED');
});

test('of many publishing one version at once, one wins', async () => {
  await using at = await openRegistry();
  const acme = await makePublisher(at, 'acme');
  const replies = await Promise.all(
    Array.from(
      { length: 8 },
      async (_, index) =>
        await post(
          at.ask,
          acme,
          artifactOf('acme/ocr', '1.0.0', { title: `Try ${String(index)}` }),
        ),
    ),
  );
  expect(replies.filter((it) => it.status === 201)).toHaveLength(1);
  const others = replies.filter((it) => it.status !== 201).map((it) => it.json.code);
  expect(new Set(others)).toEqual(new Set(['REGISTRY_VERSION_EXISTS']));
  expect((await at.ask('GET', '/v1/changes')).json.size).toBe(3);
});

test('who publishes, guesses or reads too often waits', async () => {
  const limits = { publishesPerMinute: 2, guessesPerMinute: 2, readsPerMinute: 30 };
  await using at = await openRegistry({ limits });
  const acme = await makePublisher(at, 'acme');
  await publishOne(at, acme, 'one');
  await publishOne(at, acme, 'two');
  const third = await post(at.ask, acme, artifactOf('acme/three', '1.0.0'));
  expect(third.json.code).toBe('REGISTRY_RATE_EXCEEDED');
  expect(Number(third.headers.get('retry-after'))).toBeGreaterThan(0);
  const guess = async () =>
    (await at.ask('GET', '/v1/plugins', { token: 'hubr_wrong-wrong-wrong' })).json.code;
  expect([await guess(), await guess(), await guess()]).toEqual([
    'TOKEN_INVALID',
    'TOKEN_INVALID',
    'REGISTRY_RATE_EXCEEDED',
  ]);
  const replies = await Promise.all(
    Array.from({ length: 40 }, async () => (await at.ask('GET', '/v1/')).status),
  );
  expect(replies).toContain(429);
  at.clock.advance(60_000);
  expect((await post(at.ask, acme, artifactOf('acme/three', '1.0.0'))).status).toBe(201);
});

test('a client that sends its request drop by drop is let go, and others are served meanwhile', async () => {
  using folder = temporaryFolder('registry');
  const registry = await createRegistry({ folder: folder.path, clock: setClock() });
  await using door = await serveRegistry(registry, {
    port: 0,
    headersTimeoutMs: 300,
    requestTimeoutMs: 600,
  });
  const slow = connect(door.port, '127.0.0.1');
  slow.write('POST /v1/publish HTTP/1.1\r\nHost: x\r\nX-Slow: ');
  const slowBody = connect(door.port, '127.0.0.1');
  slowBody.write(
    'POST /v1/resolve HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{',
  );
  for (const socket of [slow, slowBody]) socket.on('error', () => undefined).resume();
  expect((await fetch(`${door.url}/healthz`)).status).toBe(200);
  await Promise.all([once(slow, 'close'), once(slowBody, 'close')]);
  expect((await fetch(`${door.url}/readyz`)).status).toBe(200);
  registry.close();
});

test('a request without end is refused as soon as it is too large', async () => {
  await using at = await openRegistry();
  const acme = await makePublisher(at, 'acme');
  let sent = 0;
  const endless = new ReadableStream({
    pull: (controller) => {
      sent += 65_536;
      controller.enqueue(new Uint8Array(65_536));
    },
  });
  const answer = fetch(`${at.url}/v1/publish`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${acme.token}`,
      'content-type': 'multipart/form-data; boundary=x',
    },
    body: endless,
    duplex: 'half',
  } as RequestInit);
  const code = await answer.then(
    async (it) => ((await it.json()) as { code: string }).code,
    () => 'connection ended',
  );
  expect(['REGISTRY_BODY_TOO_LARGE', 'connection ended']).toContain(code);
  expect(sent).toBeLessThan(64 * 1024 * 1024);
  expect((await at.ask('GET', '/healthz')).status).toBe(200);
});

test('health, readiness and metrics tell what they should', async () => {
  await using at = await openRegistry();
  const acme = await makePublisher(at, 'acme');
  await publishOne(at, acme, 'ocr');
  expect((await at.ask('GET', '/healthz')).json).toEqual({ status: 'ok' });
  expect((await at.ask('GET', '/readyz')).json).toMatchObject({
    status: 'ready',
    readOnly: false,
    logSize: 3,
  });
  const { text } = await at.ask('GET', '/metrics');
  expect(text).toContain('registry_published_total 1');
  expect(text).toMatch(/registry_request_seconds_bucket\{le="\+Inf"\} \d+/u);
});

test('a HEAD opens no file and counts as no download', async () => {
  await using at = await openRegistry();
  const acme = await makePublisher(at, 'acme');
  const { digest } = await publishOne(at, acme, 'ocr');
  const path = `/v1/blobs/sha512/${digest.slice(7)}`;
  const open = () =>
    readdirSync('/proc/self/fd')
      .flatMap((it) => targetOf(it))
      .filter((it) => it.includes('/blobs/'));
  for (let count = 0; count < 50; count++) expect((await at.ask('HEAD', path)).status).toBe(200);
  expect(open()).toEqual([]);
  at.registry.tick();
  expect((await at.ask('GET', '/v1/plugins/acme/ocr')).json.downloads).toBe(0);
});

const targetOf = (handle: string): string[] => {
  try {
    return [readlinkSync(`/proc/self/fd/${handle}`)];
  } catch {
    return [];
  }
};
