import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createBroker, createBus, type Caller } from '@runtime-hub/kernel';
import {
  HubError,
  pluginId,
  runId,
  type Json,
  type Permission,
} from '@runtime-hub/plugin-sdk/contract';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { withErrors } from '../../../../studio/server/api/app.ts';
import { auditRoutes } from '../../../../studio/server/api/audit.ts';
import { observeRoutes } from '../../../../studio/server/api/observe.ts';
import { verifyExport } from '../../../../studio/server/audit/export.ts';
import type { Proposal } from '../../../../studio/server/audit/observe.ts';
import { auditCommand } from '../../../../studio/server/cli/audit.ts';
import { timeOf } from '../../../../studio/server/cli/time.ts';
import { verifyFolder } from '../../../../studio/server/store/audit-folder.ts';
import { systemClock, systemIds } from '../../../../studio/server/system.ts';
import { installedPlugin } from '../../../support/installed-plugin.ts';
import { dataFolder, openedStore, tamper, useOf, writeAudit } from './folders.ts';

let folder = '';
let owner: ReturnType<typeof dataFolder>;
beforeEach(() => {
  owner = dataFolder();
  folder = owner.path;
});
afterEach(() => owner[Symbol.dispose]());

const id = pluginId('acme/github');
const other = pluginId('acme/other');
const at = {
  run: runId('run-00000001'),
  workspace: 'default',
  workflow: 'w',
  node: 'n',
  host: null,
};
const caller: Caller = { plugin: id, ...at };

/** A broker on a real store, for two plugins that ask for these permissions, all granted. */
async function hubWith(...asked: readonly Omit<Permission, 'reason'>[]) {
  const store = await openedStore(folder);
  const permissions = asked.map((it) => ({ ...it, reason: 'Needs it' }));
  const plugins = [id, other].map((one) => installedPlugin({ id: one, permissions }));
  const source = {
    get: (one: string) => plugins.find((it) => it.manifest.id === one) ?? null,
    list: () => plugins,
  };
  const done = { call: async () => await Promise.resolve<Json>({}) };
  const broker = createBroker({
    clock: systemClock,
    ids: systemIds,
    plugins: source,
    grants: store.grants,
    audit: store.audit,
    events: createBus({ clock: systemClock }),
    services: [
      { capability: 'state', ...done },
      { capability: 'log', ...done },
    ],
    provider: { serve: async () => await Promise.resolve({}) },
    autoGrant: [],
  });
  for (const { manifest } of plugins) {
    broker.request(manifest.id);
    broker.approve({ plugin: manifest.id, by: 'admin', until: Date.now() + 3_600_000 });
  }
  // SAFETY: the routes of observe ask plugins for nothing but `get`.
  const hub = { broker, store, plugins: source } as unknown as Parameters<typeof observeRoutes>[0];
  const apps = {
    '/audit': withErrors(auditRoutes({ store })),
    '/observe': withErrors(observeRoutes(hub)),
  };
  return {
    store,
    broker,
    ask: async (
      path: string,
      body?: Json,
    ): Promise<{ status: number; text: string; value: never }> => {
      const app = path.startsWith('/audit') ? apps['/audit'] : apps['/observe'];
      const rest = path.replace(/^\/[a-z]+\/?/u, '/');
      const post = { method: 'POST', body: JSON.stringify(body) };
      const answer = await app.request(rest, body === undefined ? {} : post);
      const text = await answer.text();
      // SAFETY: each test says what it expects; `never` fits.
      const value = (text.startsWith('{"format') ? null : JSON.parse(text)) as never;
      return { status: answer.status, text, value };
    },
    /** Asks for an address; what nobody provides is decided and recorded all the same. */
    reach: async (url: string, plugin = id): Promise<string> => {
      const request = {
        capability: 'net.http',
        operation: 'request',
        args: { method: 'GET', url },
      } as const;
      const signal = new AbortController().signal;
      return await broker.call({ ...caller, plugin }, request, signal).then(
        () => 'done',
        (error: unknown) => (error instanceof HubError ? error.code : String(error)),
      );
    },
    [Symbol.asyncDispose]: async () => await store.close(),
  };
}

const ANY_HOST = { capability: 'net.http', target: '*' } as const;
const REFUSED = { code: 'HUB_REQUEST_INVALID' };

test('the audit is listed by what one looks for, page by page', async () => {
  await using hub = await hubWith(ANY_HOST);
  await hub.reach('https://api.github.com/a');
  await hub.reach('ftp://api.github.com/a');
  await hub.reach('https://api.github.com/a', other);
  await hub.store.flush();
  const page = async (query: string) => {
    const { value } = await hub.ask(`/audit?${query}`);
    const { records }: { records: { sequence: number; need: string; decision: string }[] } = value;
    return records.map((it) => `${String(it.sequence)} ${it.decision} ${it.need}`);
  };
  expect(await page('plugin=acme/github&capability=net.http&limit=2')).toEqual([
    '6 denied net.http:*',
    '5 allowed net.http:api.github.com',
  ]);
  expect(await page('decision=allowed&run=run-00000001')).toEqual([
    '7 allowed net.http:api.github.com',
    '5 allowed net.http:api.github.com',
  ]);
  expect(await page('before=2')).toEqual(['1 requested net.http:*']);
  expect(await page(`since=${String(Date.now() + 60_000)}`)).toEqual([]);
});

test('a list of what there can’t be is refused', async () => {
  await using hub = await hubWith(ANY_HOST);
  for (const query of [
    'plugin=../etc',
    'capability=all',
    'decision=maybe',
    'limit=0',
    'limit=-1',
    'before=x',
    'since=1e9',
    `run=${'r'.repeat(65)}`,
  ]) {
    const { status, value } = await hub.ask(`/audit?${query}`);
    expect([query, status, value]).toMatchObject([query, 400, REFUSED]);
  }
});

test('what the API exports verifies, with the key that its head names', async () => {
  await using hub = await hubWith(ANY_HOST);
  for (let count = 0; count < 1200; count += 1) hub.store.audit.append(useOf(count));
  await hub.store.flush();
  const { value } = await hub.ask('/audit/head');
  const { head, broken }: { head: { key: string }; broken: null } = value;
  expect(broken).toBeNull();
  const { text } = await hub.ask('/audit/export');
  const verdict = await verifyExport(once(text), head.key);
  expect(verdict).toMatchObject({ from: { sequence: 0 }, to: { sequence: 1204 } });
});

test('what the API prunes is gone, and accept signs what is there', async () => {
  await using hub = await hubWith(ANY_HOST);
  expect(await hub.ask('/audit/prune', { before: 'x' })).toMatchObject({ value: REFUSED });
  expect((await hub.ask('/audit/prune', { before: Date.now() + 1000 })).value).toEqual({
    pruned: 4,
  });
  const { value } = await hub.ask('/audit/accept', {});
  expect(value).toMatchObject({ head: { from: { sequence: 4 }, to: { sequence: 4 } } });
  expect(await verifyFolder(folder)).toMatchObject({ from: { sequence: 4 }, unsigned: 0 });
});

test('a proposal names what was used, and applying it leaves exactly that', async () => {
  const files = { capability: 'fs.read', target: '/data/**' } as const;
  await using hub = await hubWith({ ...ANY_HOST, ratePerSecond: 50 }, files);
  for (let count = 0; count < 4; count += 1) await hub.reach('https://api.github.com/a');
  await hub.reach('https://uploads.github.com/b');
  await hub.reach('https://elsewhere.example.com/b', other);
  const { value } = await hub.ask('/observe?plugin=acme/github');
  const proposal: Proposal = value;
  expect(proposal.permissions.map((it) => it.words)).toEqual([
    'Send requests to api.github.com, at most 6 a second',
    'Send requests to uploads.github.com, at most 2 a second',
  ]);
  expect(proposal.givenUp[0]).toBe('Read everything in the folder “/data” and below it');
  const body = { plugin: id, since: 0, by: 'admin' };
  expect((await hub.ask('/observe/apply', body)).value).toMatchObject({
    narrowed: ['net.http', 'fs.read'],
    left: [],
  });
  const held = hub.broker.list().filter((it) => it.plugin === id && it.status === 'granted');
  expect(held.map((it) => [it.permission.target, it.permission.ratePerSecond])).toEqual([
    ['api.github.com', 6],
    ['uploads.github.com', 2],
  ]);
  for (const it of held) expect(it).toMatchObject({ until: expect.any(Number) });
  // Allowed as before: only nobody provides requests here.
  expect(await hub.reach('https://api.github.com/a')).toBe('CAPABILITY_UNAVAILABLE');
  expect(await hub.reach('https://example.com/')).toBe('CAPABILITY_DENIED');
  expect(await hub.reach('https://example.com/', other)).toBe('CAPABILITY_UNAVAILABLE');
});

test('a second proposal finds nothing to give up', async () => {
  await using hub = await hubWith(ANY_HOST);
  await hub.reach('https://api.github.com/a');
  const body = { plugin: id, since: 0, by: 'admin' };
  await hub.ask('/observe/apply', body);
  expect((await hub.ask('/observe/apply', body)).value).toMatchObject({
    proposal: { givenUp: [] },
    narrowed: [],
  });
});

test('a capability that the manifest asks for twice, once at a lower rate, is left alone', async () => {
  const slow = { capability: 'net.http', target: '*.github.com', ratePerSecond: 1 } as const;
  await using hub = await hubWith(ANY_HOST, slow);
  for (let count = 0; count < 5; count += 1) await hub.reach('https://api.github.com/a');
  const { value } = await hub.ask('/observe/apply', { plugin: id, since: 0, by: 'admin' });
  expect(value).toMatchObject({ narrowed: [], left: ['net.http'] });
  expect(await hub.reach('https://example.com/')).toBe('CAPABILITY_UNAVAILABLE');
});

test('a grant of one workspace is left alone: narrower, it would hold everywhere', async () => {
  await using hub = await hubWith(ANY_HOST);
  await hub.reach('https://api.github.com/a');
  hub.broker.revoke({ plugin: id, by: 'admin' });
  hub.broker.approve({ plugin: id, workspace: 'blue', by: 'admin' });
  const { value } = await hub.ask('/observe/apply', { plugin: id, since: 0, by: 'admin' });
  expect(value).toMatchObject({ narrowed: [], left: ['net.http'] });
  const held = hub.broker.list().filter((it) => it.plugin === id && it.status === 'granted');
  expect(held).toMatchObject([{ workspace: 'blue', permission: ANY_HOST }]);
  expect(await hub.reach('https://api.github.com/a')).toBe('CAPABILITY_NOT_GRANTED');
});

test('only a plugin that is installed can be observed, and one that did nothing keeps its grants', async () => {
  await using hub = await hubWith(ANY_HOST);
  expect(await hub.ask('/observe?plugin=acme/unknown')).toMatchObject({
    status: 404,
    value: { code: 'PLUGIN_NOT_INSTALLED' },
  });
  expect(await hub.ask('/observe')).toMatchObject({ status: 400, value: REFUSED });
  const unused = { plugin: id, since: 0, by: 'admin' };
  expect(await hub.ask('/observe/apply', unused)).toMatchObject({ status: 400, value: REFUSED });
  expect(await hub.reach('https://example.com/')).toBe('CAPABILITY_UNAVAILABLE');
  const body = { plugin: 'x', since: 0, by: 'admin' };
  expect(await hub.ask('/observe/apply', body)).toMatchObject({ status: 400, value: REFUSED });
});

async function* once(text: string): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(Buffer.from(text));
}

/** What `hub audit` prints. */
async function said(...args: readonly string[]): Promise<string> {
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined);
  try {
    expect(await auditCommand.run(args)).toBe(0);
    return log.mock.calls.flat().join('\n');
  } finally {
    log.mockRestore();
  }
}

test('hub audit verify checks a folder and a file, without a hub', async () => {
  await writeAudit(folder, 3);
  const file = join(folder, 'export.jsonl');
  let key = '';
  {
    await using store = await openedStore(folder);
    ({ key } = store.audit.head());
    writeFileSync(file, [...store.audit.export()].map((line) => `${line}\n`).join(''));
    writeFileSync(
      join(folder, 'head.json'),
      JSON.stringify({ head: store.audit.head(), broken: null }),
    );
  }
  const holds = `The audit holds: records 1 to 3.\nSigned with ${key}`;
  expect(await said('verify', '--data', folder)).toBe(holds);
  expect(await said('verify', '--data', folder, '--head', join(folder, 'head.json'))).toBe(holds);
  expect(await said('verify', file, '--key', key)).toBe(holds);
  const wrong = auditCommand.run(['verify', file, '--key', 'AAAA']);
  await expect(wrong).rejects.toMatchObject({ code: 'AUDIT_BROKEN', data: { record: 3 } });
  tamper(folder, 'DELETE FROM audit WHERE sequence = 2');
  const broken = auditCommand.run(['verify', '--data', folder]);
  await expect(broken).rejects.toMatchObject({ code: 'AUDIT_BROKEN', data: { record: 2 } });
  await expect(auditCommand.run(['verify', join(folder, 'none')])).rejects.toMatchObject(REFUSED);
  await expect(auditCommand.run(['constructor'])).rejects.toMatchObject(REFUSED);
});

test('times are said as people say them', () => {
  expect(timeOf('--since', '30m', 10_000_000)).toBe(8_200_000);
  expect(timeOf('--since', '2h', 10_000_000)).toBe(2_800_000);
  expect(timeOf('--since', '2026-11-21', 0)).toBe(Date.UTC(2026, 10, 21));
  expect(() => timeOf('--since', 'soon', 0)).toThrow(expect.objectContaining(REFUSED));
  expect(() => timeOf('--since', '2d', 0)).toThrow(expect.objectContaining(REFUSED));
});
