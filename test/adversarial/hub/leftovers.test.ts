import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { pluginId, type WorkflowDocument } from '@runtime-hub/plugin-sdk/contract';
import { expect, test, vi } from 'vitest';
import { openHub } from '../../../studio/server/hub.ts';
import { installBuiltIns, installFixture, temporaryFolder } from '../../support/hub.ts';
import { applyPolicy } from '../../support/trust.ts';

/** Attacks that end a host, by the plugin's own hand or by the hub's. */
const ENDINGS = [
  ['hostile/process', 'crash'],
  ['hostile/process', 'exit'],
  ['hostile/process', 'spin'],
  ['hostile/process', 'allocate'],
  ['hostile/process', 'forged-reply'],
  ['hostile/process', 'oversize'],
  ['hostile/isolate', 'spin'],
  ['hostile/isolate', 'allocate'],
] as const;

const ONCE = { maxAttempts: 1, delayMs: 1, maxDelayMs: 1 };

function oneNode(type: string, config: Readonly<Record<string, string | number>>) {
  const nodes = { only: { type, config, retry: ONCE } };
  return { format: 'runtime-hub/workflow@1', name: type, nodes, edges: [] } as WorkflowDocument;
}

/** Every process below this one, by pid. */
function descendants(pid = process.pid): readonly number[] {
  const tasks = `/proc/${String(pid)}/task`;
  if (!existsSync(tasks)) return [];
  const children = readdirSync(tasks).flatMap((task) => childrenOf(`${tasks}/${task}/children`));
  return children.flatMap((child) => [child, ...descendants(child)]);
}

/** Commands of jails below this process; the packer keeps one of its own, which is none. */
function jailed(): readonly string[] {
  const commands = descendants().map((pid) => {
    const file = `/proc/${String(pid)}/cmdline`;
    return existsSync(file) ? readFileSync(file, 'utf8').replaceAll('\0', ' ') : '';
  });
  return commands.filter((it) => /bwrap|\/rt\/node/u.test(it));
}

function childrenOf(file: string): readonly number[] {
  try {
    return readFileSync(file, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch {
    // The thread ended between the two looks.
    return [];
  }
}

test(
  'hosts that were attacked from within leave no process behind, and a closed hub leaves none at all',
  { timeout: 60_000 },
  async () => {
    using folder = temporaryFolder('leftovers');
    applyPolicy(folder.path, ['hostile/*']);
    const begun = new Set<number>();
    const ended = new Set<number>();
    {
      await using hub = await openHub({ folder: folder.path });
      await installBuiltIns(hub, ['core/flow']);
      for (const name of ['hostile-process', 'hostile-isolate']) await installFixture(hub, name);
      using _listening = hub.bus.on((event) => {
        if (event.type === 'host.started') begun.add(event.pid);
        if (event.type === 'host.ended') ended.add(event.pid);
      });
      for (const [plugin, way] of ENDINGS) {
        hub.pool.release(pluginId(plugin));
        const { finished } = await hub.engine.start(oneNode(`${plugin}:attack`, { way }));
        expect((await finished).status, `${plugin} ${way}`).toBe('failed');
        const { finished: next } = await hub.engine.start(oneNode('core/flow:set', { value: 1 }));
        expect(await next).toMatchObject({ status: 'succeeded', error: null });
      }
      const { hosts } = await hub.pool.stats();
      expect(jailed().length).toBeGreaterThan(0);
      const alive = new Set(hosts.map((host) => host.pid));
      expect(ended.size).toBeGreaterThanOrEqual(6);
      await vi.waitFor(() => expect([...ended].filter(isAlive)).toEqual([]));
      expect([...begun].filter((pid) => !ended.has(pid) && !alive.has(pid))).toEqual([]);
    }
    await vi.waitFor(() => expect([...begun].filter(isAlive)).toEqual([]));
    await vi.waitFor(() => expect(jailed()).toEqual([]));
  },
);

const isAlive = (pid: number): boolean => existsSync(`/proc/${String(pid)}`);
