import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createBroker, createHostPool, type HostPool } from '@runtime-hub/kernel';
import {
  HubError,
  pluginId,
  runId,
  type Json,
  type StepReport,
} from '@runtime-hub/plugin-sdk/contract';
import { expect, test } from 'vitest';
import { openHub, type Hub } from '../../../studio/server/hub.ts';
import { createHttpService } from '../../../studio/server/services/http/http-service.ts';
import { openSecrets, type Secrets } from '../../../studio/server/services/secrets/secret-store.ts';
import { systemClock as clock, systemIds as ids } from '../../../studio/server/system.ts';
import { installBuiltIns, temporaryFolder } from '../../support/hub.ts';

const HTTP = pluginId('core/http');

/** A server on loopback that answers the requests it gets in turn. */
async function serverOf(...answers: ((response: ServerResponse) => void)[]) {
  const seen: { method: string | undefined; url: string | undefined; auth: string | undefined }[] =
    [];
  const server = createServer((request: IncomingMessage, response) => {
    const { method, url, headers } = request;
    const answer = answers[seen.length];
    seen.push({ method, url, auth: headers.authorization });
    request.resume();
    if (answer === undefined) response.writeHead(500).end();
    else answer(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    seen,
    origin: `http://127.0.0.1:${String(address.port)}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Hosts whose calls of `net.http` reach loopback, which a hub’s own settings would not let them. */
function poolOn(hub: Hub, secrets: Secrets): HostPool & AsyncDisposable {
  const parts = { clock, ids, plugins: hub.plugins, events: hub.bus };
  const service = createHttpService({
    clock,
    secrets,
    networks: ['127.0.0.0/8'],
    keepBlob: async (bytes, mime, caller) => await hub.blobs.add(bytes, mime, caller),
    readBlob: async (handle, { host }) => await hub.blobs.read(handle, host),
  });
  const gate = createBroker({
    ...parts,
    grants: hub.store.grants,
    audit: hub.store.audit,
    services: [service],
    provider: { serve: () => Promise.reject(new HubError('CAPABILITY_UNAVAILABLE', { need: '' })) },
    autoGrant: [],
  });
  const ports = { ...parts, launcher: hub.launcher, gate, blobs: hub.blobs.access };
  const pool = createHostPool(ports);
  return Object.assign(pool, { [Symbol.asyncDispose]: async () => await pool.close() });
}

async function run(
  pool: HostPool,
  type: string,
  config: Record<string, Json>,
): Promise<StepReport | undefined> {
  const step = { node: 'only', type: `core/http:${type}`, config, inputs: {}, links: {} };
  const about = {
    run: runId('run-00000001'),
    workspace: 'default',
    workflow: 'test',
    plugin: HTTP,
    deadlineMs: 20_000,
  };
  const never = new AbortController().signal;
  return (await pool.run({ ...about, steps: [step], values: {} }, never))[0];
}

const json =
  (value: Json, headers: Record<string, string> = {}) =>
  (response: ServerResponse): void =>
    void response.writeHead(200, headers).end(JSON.stringify(value));
const busy = (response: ServerResponse): void =>
  void response.writeHead(503, { 'retry-after': '0' }).end();

test(
  'the signed plugin reads pages over a busy server with a secret it never sees',
  { timeout: 60_000 },
  async () => {
    using folder = temporaryFolder('http');
    await using hub = await openHub({ folder: folder.path });
    await installBuiltIns(hub, ['core/http']);
    const secrets = openSecrets(folder.path);
    secrets.set('token', 's3cr3t-value');
    await using pool = poolOn(hub, secrets);
    await using server = await serverOf(
      busy,
      json([1, 2], { link: '</items?page=2>; rel="next"' }),
      json([3]),
    );
    const report = await run(pool, 'get', {
      url: `${server.origin}/items`,
      auth: { type: 'bearer', secret: 'token' },
      retry: { firstWaitMs: 1 },
      paging: { by: 'link' },
    });
    expect(report).toMatchObject({ ok: true, outputs: { items: [1, 2, 3], pages: 2 } });
    const auth = 'Bearer s3cr3t-value';
    expect(server.seen).toEqual([
      { method: 'GET', url: '/items', auth },
      { method: 'GET', url: '/items', auth },
      { method: 'GET', url: '/items?page=2', auth },
    ]);
    expect(JSON.stringify(report)).not.toContain('s3cr3t-value');
  },
);

test(
  'what a grant does not name is not asked, and a POST is sent once',
  { timeout: 60_000 },
  async () => {
    using folder = temporaryFolder('http');
    await using hub = await openHub({ folder: folder.path });
    await installBuiltIns(hub, ['core/http'], { approve: false });
    await using server = await serverOf(busy);
    const target = server.origin;
    hub.broker.approve({ plugin: HTTP, by: 'test', capability: 'net.http', target });
    await using pool = poolOn(hub, openSecrets(folder.path));
    const denied = await run(pool, 'get', { url: 'http://127.0.0.2/' });
    expect(denied).toMatchObject({ ok: false, error: { code: 'CAPABILITY_DENIED' } });
    const failed = await run(pool, 'send', { url: server.origin, body: { a: 1 } });
    expect(failed).toMatchObject({ ok: false, error: { code: 'STEP_FAILED' } });
    expect(server.seen).toHaveLength(1);
  },
);
