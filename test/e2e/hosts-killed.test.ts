import { setTimeout as after } from 'node:timers/promises';
import { pluginId, type WorkflowDocument } from '@runtime-hub/plugin-sdk/contract';
import { expect, test, vi } from 'vitest';
import { openHub, type Hub } from '../../studio/server/hub.ts';
import { installBuiltIns, installFixture, temporaryFolder } from '../support/hub.ts';
import { applyPolicy } from '../support/trust.ts';
import { finishedOf } from './finished.ts';

const STEPS = 20;
const KILLS = 30;
const LONGEST_MS = 120;
const PLUGINS = ['core/flow', 'bench/echo'].map(pluginId);

/** Steps of an isolate plugin and of a process plugin in turn, some of which take a moment. */
function chain(): WorkflowDocument {
  const kinds = [
    { type: 'core/flow:set', config: { value: 7 } },
    { type: 'bench/echo:echo' },
    { type: 'core/flow:delay', config: { ms: 5 } },
  ];
  const names = Array.from({ length: STEPS }, (_, index) => `n${String(index)}`);
  const edges = names.slice(1).map((name, index) => {
    const isEcho = (index + 1) % 3 === 1;
    return [
      `n${String(index)}.${isEcho ? 'value' : 'done'}`,
      `${name}.${isEcho ? 'value' : 'run'}`,
    ] as const;
  });
  const nodes = names.map((name, index) => [name, kinds[index % 3] ?? { type: '' }] as const);
  return {
    format: 'runtime-hub/workflow@1',
    name: 'Isolate and process in turn',
    nodes: Object.fromEntries(nodes),
    edges: edges.map(([from, to]) => [from, to]),
  };
}

/** Kills one of the living hosts; false when none lives at this moment. */
async function killOne(hub: Hub): Promise<boolean> {
  const { hosts } = await hub.pool.stats();
  const host = hosts[Math.floor(Math.random() * hosts.length)];
  if (host === undefined) return false;
  process.kill(host.pid, 'SIGKILL');
  return true;
}

test(
  'hosts killed at 30 random moments of 20-step runs: every run ends well, no finished step runs again',
  { timeout: 240_000 },
  async () => {
    using folder = temporaryFolder('hosts-killed');
    applyPolicy(folder.path, ['bench/*']);
    await using hub = await openHub({ folder: folder.path });
    await installBuiltIns(hub, ['core/flow']);
    await installFixture(hub, 'echo');
    const crashes: string[] = [];
    using _listening = hub.bus.on((event) => {
      if (event.type === 'host.ended') crashes.push(event.how);
    });
    const workflow = chain();
    let kills = 0;
    for (let round = 0; kills < KILLS; round += 1) {
      const { run, finished } = await hub.engine.start(workflow);
      let isOver = false;
      void finished.finally(() => (isOver = true));
      // The moments of the kills are the input of this test, not a wait for anything.
      await after(Math.random() * LONGEST_MS);
      if (!isOver && kills < KILLS && (await killOne(hub))) kills += 1;
      expect(await finished, `round ${String(round)}`).toMatchObject({ status: 'succeeded' });
      const each = Array.from({ length: STEPS }, (_, index) => [`n${String(index)}`, 1]);
      expect(finishedOf(hub.store, run)).toEqual(each);
      // An admin's hand: thirty crashes within a minute are what quarantine is for.
      for (const plugin of PLUGINS) hub.pool.release(plugin);
    }
    await vi.waitFor(() => expect(crashes).toHaveLength(KILLS));
    expect(crashes.filter((how) => !/died: (exit code 137|signal SIGKILL)/u.test(how))).toEqual([]);
  },
);
