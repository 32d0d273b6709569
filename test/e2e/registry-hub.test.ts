import { pluginId, type Json, type WorkflowDocument } from '@runtime-hub/plugin-sdk/contract';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createClient, type HubClient } from '../../studio/server/api/client.ts';
import { openHub, type Hub } from '../../studio/server/hub.ts';
import { serveOwner } from '../../studio/server/serve.ts';
import {
  ORIGIN,
  makePublisher,
  openRegistry,
  post,
  type OpenRegistry,
  type Publisher,
} from '../registry/open-registry.ts';
import { eventOf, temporaryFolder } from '../support/hub.ts';
import { packOf, reach, type Pack } from './registry-pack.ts';

const WORDS = pluginId('acme/words');
const LONG = { timeout: 60_000 };

let opened: AsyncDisposableStack;
let at: OpenRegistry;
let acme: Publisher;
let folder: string;

beforeEach(async () => {
  opened = new AsyncDisposableStack();
  at = opened.use(await openRegistry({ clock: { now: () => Date.now() } }));
  acme = await makePublisher(at, 'acme');
  folder = opened.use(temporaryFolder('second-machine')).path;
});
afterEach(async () => await opened.disposeAsync());

interface Machine extends AsyncDisposable {
  readonly hub: Hub;
  readonly client: HubClient;
}

/** Another machine's hub: a data folder of its own, its real socket. */
async function machine(): Promise<Machine> {
  const parts = new AsyncDisposableStack();
  const hub = parts.use(await openHub({ folder }));
  parts.use(await serveOwner(hub));
  return {
    hub,
    client: createClient(folder),
    [Symbol.asyncDispose]: async () => await parts.disposeAsync(),
  };
}

async function publish(pack: Omit<Pack, 'id'>): Promise<void> {
  const reply = await post(at.ask, acme, packOf({ id: WORDS, ...pack }));
  expect(reply.text).toContain('"state":"active"');
}

async function revoke(version: string, reason: string): Promise<void> {
  const path = `/v1/plugins/${WORDS}/${version}/revoke`;
  expect(await at.ask('POST', path, { token: acme.token, json: { reason } })).toMatchObject({
    status: 200,
  });
}

const workflow = (type: string, more: Partial<WorkflowDocument> = {}): WorkflowDocument => ({
  format: 'runtime-hub/workflow@1',
  name: `Uses ${type}`,
  nodes: { only: { type: `${WORDS}:${type}` } },
  edges: [],
  ...more,
});

const add = async ({ client }: Machine): Promise<Json> =>
  await client.send('POST', '/api/v1/registries', { url: at.url, namespaces: ['acme/*'] });
const install = async ({ client }: Machine, source: string = WORDS): Promise<Json> =>
  await client.send('POST', '/api/v1/plugins', { source });
const said = async ({ hub }: Machine, document = workflow('say')): Promise<unknown> => {
  const { run, finished } = await hub.engine.start(document);
  const step = eventOf(hub, 'step.finished', (event) => event.run === run);
  expect(await finished).toMatchObject({ status: 'succeeded' });
  return (await step).outputs?.['text'];
};

test(
  'another machine finds a plugin, installs it from the log’s word alone, and runs it',
  LONG,
  async () => {
    await publish({ version: '1.0.0', permissions: [reach('api.example.com')] });
    await using second = await machine();
    expect(await add(second)).toMatchObject({ origin: ORIGIN, url: at.url });
    expect(await second.client.send('GET', '/api/v1/plugins/search?q=words')).toMatchObject({
      registries: [{ origin: ORIGIN, items: [{ id: WORDS, version: '1.0.0' }], error: null }],
    });
    expect(await install(second)).toMatchObject({
      status: 'installed',
      publisher: `acme-2026@${ORIGIN}`,
      unsigned: false,
      diff: { added: [{ words: 'Send requests to api.example.com' }] },
    });
    expect(second.hub.broker.list()).toMatchObject([{ status: 'requested', plugin: WORDS }]);
    expect(await said(second)).toBe('1.0.0');
  },
);

test(
  'an update that wants one more host is held, shown in words, and applied when it is approved',
  LONG,
  async () => {
    await publish({ version: '1.0.0', permissions: [reach('api.example.com')] });
    await using second = await machine();
    await add(second);
    await install(second);
    second.hub.broker.approve({ plugin: WORDS, by: 'test' });
    await publish({
      version: '1.1.0',
      permissions: [reach('api.example.com'), reach('evil.example')],
    });
    const held = await second.client.send('POST', `/api/v1/plugins/${WORDS}/update`, {});
    expect(held).toMatchObject({
      status: 'held',
      before: '1.0.0',
      reasons: ['permissions'],
      diff: { added: [{ words: 'Send requests to evil.example' }], widened: [], removed: [] },
    });
    expect(await eventOf(second.hub, 'plugin.held')).toMatchObject({ version: '1.1.0' });
    expect(await said(second)).toBe('1.0.0');
    await second.client.send('POST', '/api/v1/permissions/approve', { plugin: WORDS, by: 'me' });
    expect(await said(second)).toBe('1.1.0');
    const granted = second.hub.broker.list().filter((it) => it.status === 'granted');
    expect(granted.map((it) => it.permission.target)).toEqual(['api.example.com', 'evil.example']);
    await second.client.send('POST', `/api/v1/plugins/${WORDS}/rollback`, {});
    expect(await said(second)).toBe('1.0.0');
  },
);

test(
  'two versions run side by side: a workflow gets what it pins, another the current one',
  LONG,
  async () => {
    await publish({ version: '1.0.0' });
    await using second = await machine();
    await add(second);
    await install(second);
    const locked = await second.client.send('POST', '/api/v1/plugins/lock', {
      // SAFETY: a workflow is plain JSON.
      workflow: workflow('say') as unknown as Json,
    });
    // SAFETY: the hub's own API.
    const { workflow: old } = locked as unknown as { workflow: WorkflowDocument };
    expect(old.plugins?.[WORDS]).toMatchObject({ version: '1.0.0' });
    await publish({ version: '2.0.0' });
    await second.client.send('POST', `/api/v1/plugins/${WORDS}/update`, {});
    expect(await said(second)).toBe('2.0.0');
    expect(await said(second, old)).toBe('1.0.0');
    expect(await said(second)).toBe('2.0.0');
    const { hosts } = await second.hub.pool.stats();
    expect(hosts.filter((it) => it.plugin === WORDS)).toHaveLength(2);
  },
);

test(
  'a version that is revoked while a run uses it is stopped at once, explained, and never starts again',
  LONG,
  async () => {
    await publish({ version: '1.0.0' });
    {
      await using second = await machine();
      await add(second);
      await install(second);
      const { finished } = await second.hub.engine.start(workflow('wait'));
      await eventOf(second.hub, 'host.started', (event) => event.plugin === WORDS);
      await revoke('1.0.0', 'It sends away what it reads');
      const told = await eventOf(second.hub, 'plugin.revoked');
      expect(told).toMatchObject({ version: '1.0.0', workflows: ['Uses wait'] });
      const error = { code: 'PLUGIN_REVOKED', data: { reason: 'It sends away what it reads' } };
      expect(await finished).toMatchObject({ status: 'failed', error });
      expect(await second.client.send('GET', `/api/v1/plugins/${WORDS}/why`)).toMatchObject({
        installed: null,
        refused: { code: 'PLUGIN_REVOKED' },
        revoked: [{ version: '1.0.0', reason: 'It sends away what it reads' }],
        workflows: [{ name: 'Uses wait' }],
      });
      await expect(install(second)).rejects.toMatchObject({ code: 'PLUGIN_VERSION_NOT_FOUND' });
    }
    await at[Symbol.asyncDispose]();
    await using again = await machine();
    expect(again.hub.plugins.get(WORDS)).toBeNull();
    expect(again.hub.plugins.refused()).toMatchObject([{ error: { code: 'PLUGIN_REVOKED' } }]);
  },
);

test(
  'with the registry down, what is installed runs on and every question fails within a second',
  LONG,
  async () => {
    await publish({ version: '1.0.0' });
    await using second = await machine();
    await add(second);
    await install(second);
    await at[Symbol.asyncDispose]();
    expect(await said(second)).toBe('1.0.0');
    for (const ask of [
      async () => await second.client.send('POST', `/api/v1/plugins/${WORDS}/update`, {}),
      async () => await install(second, `${WORDS}@2.0.0`),
      async () => await second.client.send('GET', `/api/v1/plugins/${WORDS}`),
    ]) {
      const before = performance.now();
      await expect(ask()).rejects.toMatchObject({ code: 'REGISTRY_UNREACHABLE' });
      expect(performance.now() - before).toBeLessThan(1000);
    }
    expect(await second.client.send('GET', '/api/v1/plugins/search?q=')).toMatchObject({
      registries: [{ items: [], error: { code: 'REGISTRY_UNREACHABLE' } }],
    });
  },
);

test('a hub that knows no registry asks nobody', LONG, async () => {
  const asked = vi.spyOn(globalThis, 'fetch');
  await using second = await machine();
  expect(second.hub.registries.all()).toEqual([]);
  expect(second.hub.watch.list()).toEqual([]);
  await expect(install(second)).rejects.toMatchObject({ code: 'ARTIFACT_NOT_FOUND' });
  expect(asked).not.toHaveBeenCalled();
});
