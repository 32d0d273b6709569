import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pluginId, type WorkflowDocument } from '@runtime-hub/plugin-sdk/contract';
import { expect, test } from 'vitest';
import { openHub, type Hub } from '../../../../studio/server/hub.ts';
import { openPolicy } from '../../../../studio/server/plugins/policy-file.ts';
import { statusPage } from '../../../../studio/server/status-page.ts';
import { packOf, reach, type Pack } from '../../../e2e/registry-pack.ts';
import { eventOf, temporaryFolder } from '../../../support/hub.ts';
import { applyPolicy } from '../../../support/trust.ts';
import { refusal } from './machine.ts';

const LONG = { timeout: 60_000 };
const MINE = pluginId('mine/words');

function fileOf(folder: string, pack: Partial<Pack> = {}): string {
  const file = join(folder, 'mine.tgz');
  writeFileSync(file, packOf({ id: MINE, version: '0.1.0', ...pack }));
  return file;
}

const say: WorkflowDocument = {
  format: 'runtime-hub/workflow@1',
  name: 'Says',
  nodes: { only: { type: `${MINE}:say` } },
  edges: [],
};

async function said(hub: Hub): Promise<unknown> {
  const { run, finished } = await hub.engine.start(say);
  const step = eventOf(hub, 'step.finished', (event) => event.run === run);
  await finished;
  return (await step).outputs?.['text'];
}

test(
  'a developer’s plugin runs unsigned with --dev, shows that it is, and is gone after a restart',
  LONG,
  async () => {
    using folder = temporaryFolder('dev');
    const page = async (hub: Hub): Promise<string> => String(await statusPage(hub));
    {
      await using hub = await openHub({ folder: folder.path, dev: true });
      const loaded = await hub.unsigned.load(fileOf(folder.path));
      expect(loaded).toMatchObject({ unsigned: true, publisher: 'unsigned' });
      expect(await eventOf(hub, 'plugin.installed')).toMatchObject({
        plugin: MINE,
        unsigned: true,
      });
      expect(await said(hub)).toBe('0.1.0');
      expect(await page(hub)).toContain('UNSIGNED');
      const before = performance.now();
      await hub.unsigned.load(fileOf(folder.path, { version: '0.1.1' }));
      expect(await said(hub)).toBe('0.1.1');
      expect(performance.now() - before).toBeLessThan(5000);
      // What verifies everything again leaves it alone.
      expect(await hub.plugins.verify()).toEqual([]);
      expect(hub.plugins.get(MINE)?.unsigned).toBe(true);
    }
    await using again = await openHub({ folder: folder.path });
    expect(again.plugins.get(MINE)).toBeNull();
    expect(await page(again)).not.toContain('UNSIGNED');
  },
);

test(
  'without --dev, for an id somebody signs for, off the list, or as a driver it is refused',
  LONG,
  async () => {
    using folder = temporaryFolder('dev');
    const file = fileOf(folder.path);
    const load = async (dev: boolean, with_ = file): Promise<string> => {
      await using hub = await openHub({ folder: folder.path, dev });
      return await refusal(async () => await hub.unsigned.load(with_));
    };
    expect(await load(false)).toBe('PLUGIN_UNSIGNED_REFUSED');
    expect(await load(true, fileOf(folder.path, { id: 'core/flow' }))).toBe(
      'PLUGIN_UNSIGNED_REFUSED',
    );
    const policy = openPolicy(folder.path);
    policy.change((it) => ({ ...it, permissions: { deny: ['net.http'] } }));
    const asks = { permissions: [reach('api.example.com')] };
    expect(await load(true, fileOf(folder.path, asks))).toBe('POLICY_CAPABILITY_DENIED');
    expect(await load(true, join(folder.path, 'nothing.tgz'))).toBe('ARTIFACT_NOT_FOUND');
    policy.change((it) => ({ ...it, unsigned: { allow: ['dev/*'] } }));
    expect(await load(true, fileOf(folder.path))).toBe('PLUGIN_UNSIGNED_REFUSED');
    policy.change((it) => ({ ...it, unsigned: { allow: ['mine/*'] } }));
    expect(await load(true, fileOf(folder.path))).toBe('nothing');
    applyPolicy(folder.path, ['mine/*']);
    expect(await load(true, fileOf(folder.path))).toBe('PLUGIN_UNSIGNED_REFUSED');
  },
);

test('a key can’t call itself “unsigned”, so no grant to unsigned code becomes a publisher’s', () => {
  using folder = temporaryFolder('dev');
  const policy = openPolicy(folder.path);
  expect(() =>
    policy.change((it) => {
      const [key] = Object.values(it.keys);
      return { ...it, keys: { ...it.keys, ...(key === undefined ? {} : { unsigned: key }) } };
    }),
  ).toThrow(expect.objectContaining({ code: 'HUB_REQUEST_INVALID' }));
});
