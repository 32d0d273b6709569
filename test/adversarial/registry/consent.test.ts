import { type Permission, type PluginId } from '@runtime-hub/plugin-sdk/contract';
import { describe, expect, test } from 'vitest';
import type { Outcome } from '../../../studio/server/plugins/installer.ts';
import { packOf, reach } from '../../e2e/registry-pack.ts';
import {
  keyRequest,
  makePublisher,
  newKey,
  openRegistry,
  post,
  setClock,
} from '../../registry/open-registry.ts';
import { WORDS, openScene } from '../../studio/server/plugins/machine.ts';
import { API, hub, newId, publish, withApi, type Change } from './consent-stage.ts';

const HOUR_MS = 3_600_000;

/** An installed and approved plugin, and an update of it that the hub takes, or not, by itself. */
async function updated(before: Change, after: Change): Promise<Outcome & { id: PluginId }> {
  const id = newId();
  await publish(id, '1.0.0', before);
  await hub.installer.install(id);
  hub.broker.request(id);
  if ((before.permissions ?? []).length > 0) hub.broker.approve({ plugin: id, by: 'admin' });
  await publish(id, '1.1.0', after);
  return { id, ...(await hub.installer.update(id)) };
}

const asks = (capability: Permission['capability'], target: string): Permission => ({
  capability,
  target,
  reason: 'It says why.',
});
const HELD: readonly (readonly [string, readonly string[], Change, Change])[] = [
  ['one more host', ['permissions'], withApi, { permissions: [API, reach('evil.example')] }],
  ['all hosts below one', ['permissions'], withApi, { permissions: [reach('*.example.com')] }],
  ['the host below all', ['permissions'], withApi, { permissions: [reach('example.com')] }],
  ['another port', ['permissions'], withApi, { permissions: [reach('api.example.com:8443')] }],
  ['no encryption', ['permissions'], withApi, { permissions: [reach('http://api.example.com')] }],
  [
    'a host that only begins alike',
    ['permissions'],
    withApi,
    { permissions: [reach('api.example.com.evil.example')] },
  ],
  [
    'a higher rate',
    ['permissions'],
    { permissions: [{ ...API, ratePerSecond: 1 }] },
    { permissions: [{ ...API, ratePerSecond: 100 }] },
  ],
  [
    'no rate at all',
    ['permissions'],
    { permissions: [{ ...API, ratePerSecond: 1 }] },
    { permissions: [API] },
  ],
  ['a program', ['permissions'], {}, { permissions: [asks('process.run', '/bin/sh')] }],
  [
    'a folder above the one it had',
    ['permissions'],
    { permissions: [asks('fs.read', '/srv/data/**')] },
    { permissions: [asks('fs.read', '/srv/**')] },
  ],
  ['a process in place of an isolate', ['runtime'], {}, { runtime: 'process' }],
  [
    'a process, and one more host',
    ['permissions', 'runtime'],
    withApi,
    { runtime: 'process', permissions: [API, reach('evil.example')] },
  ],
];

describe('an update that asks for more is held, the old version stays, and nothing more is granted', () => {
  test.for(HELD)('%s', { timeout: 60_000 }, async ([, reasons, before, after], { task }) => {
    const { id, status, reasons: why } = await updated(before, after);
    task.meta.outcome = `${status}: ${why.join(', ')}`;
    expect({ status, why }).toEqual({ status: 'held', why: reasons });
    expect(hub.plugins.get(id)?.manifest.version).toBe('1.0.0');
    const granted = hub.broker.list().filter((it) => it.plugin === id);
    expect(granted.map((it) => it.permission.target)).toEqual(
      (before.permissions ?? []).map((it) => it.target),
    );
  });

  test('by another line of keys, after an admin gave them to a new owner', async ({ task }) => {
    await using parts = new AsyncDisposableStack();
    const clock = setClock(Date.now() - 80 * HOUR_MS);
    const at = parts.use(await openRegistry({ clock }));
    const acme = await makePublisher(at, 'acme');
    const own = parts.use(await openScene());
    const other = parts.use(await own.open());
    await post(at.ask, acme, packOf({ id: WORDS, version: '1.0.0', ...withApi }));
    const buyer = newKey('buyer-2026');
    const json = keyRequest('acme', buyer, [buyer], { change: 'recovered' });
    expect((await at.admin('POST', '/v1/namespaces/acme/keys', { json })).status).toBe(201);
    clock.advance(80 * HOUR_MS);
    await other.registries.add({ url: at.url, namespaces: ['acme/*'], exclusive: true });
    await other.installer.install(WORDS);
    const sold = { key: buyer, token: acme.token };
    const reply = await post(at.ask, sold, packOf({ id: WORDS, version: '1.1.0', ...withApi }));
    expect(reply.status).toBe(201);
    const { status, reasons } = await other.installer.update(WORDS);
    task.meta.outcome = `${status}: ${reasons.join(', ')}`;
    expect({ status, reasons }).toEqual({ status: 'held', reasons: ['publisher'] });
    expect(other.plugins.get(WORDS)?.manifest.version).toBe('1.0.0');
  });
});

describe('an update that asks for no more needs nobody', () => {
  test.for<readonly [string, Change, Change]>([
    ['the same again', withApi, withApi],
    ['less', withApi, {}],
    ['one host of those it had', { permissions: [reach('*.example.com')] }, withApi],
  ])('%s', { timeout: 60_000 }, async ([, before, after]) => {
    expect(await updated(before, after)).toMatchObject({ status: 'installed', reasons: [] });
  });
});

test('what was granted to one plugin is not granted to another of the same publisher', async () => {
  const [first, second] = [newId(), newId()];
  for (const id of [first, second]) {
    await publish(id, '1.0.0', withApi);
    await hub.installer.install(id);
  }
  hub.broker.approve({ plugin: first, by: 'admin' });
  const of = (id: PluginId) => hub.broker.list().filter((it) => it.plugin === id);
  expect(of(first).map((it) => it.status)).toEqual(['granted']);
  expect(of(second).map((it) => it.status)).toEqual(['requested']);
});
