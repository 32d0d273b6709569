import { setTimeout as after } from 'node:timers/promises';
import { pluginId, type WorkflowDocument } from '@runtime-hub/plugin-sdk/contract';
import { expect, test, vi } from 'vitest';
import { seededRandom } from '../../studio/server/demo/values.ts';
import { openHub, type Hub } from '../../studio/server/hub.ts';
import { eventOf, installBuiltIns, installFixture, temporaryFolder } from '../support/hub.ts';
import { applyPolicy } from '../support/trust.ts';
import { finishedOf } from './finished.ts';

const STEPS = 20;
const KILLS = 30;
const LONGEST_MS = 120;
/** HOSTS_KILLED_SEED=<the one a failure names> draws the same moments and hosts again. */
const SEED = Number(process.env['HOSTS_KILLED_SEED'] ?? Date.now() % 1_000_000);
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
async function killOne(hub: Hub, random: () => number): Promise<boolean> {
  const { hosts } = await hub.pool.stats();
  const host = hosts[Math.floor(random() * hosts.length)];
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
    const random = seededRandom(SEED);
    console.log(`HOSTS_KILLED_SEED=${String(SEED)}`);
    let kills = 0;
    for (let round = 0; kills < KILLS; round += 1) {
      const { run, finished } = await hub.engine.start(workflow);
      let isOver = false;
      void finished.finally(() => (isOver = true));
      // The moments of the kills are the input of this test, not a wait for anything.
      await after(random() * LONGEST_MS);
      if (!isOver && kills < KILLS && (await killOne(hub, random))) kills += 1;
      expect(await finished, `round ${String(round)}, seed ${String(SEED)}`).toMatchObject({
        status: 'succeeded',
      });
      const each = Array.from({ length: STEPS }, (_, index) => [`n${String(index)}`, 1]);
      expect(finishedOf(hub.store, run)).toEqual(each);
      // An admin's hand: thirty crashes within a minute are what quarantine is for.
      for (const plugin of PLUGINS) hub.pool.release(plugin);
    }
    await vi.waitFor(() => expect(crashes).toHaveLength(KILLS));
    expect(crashes.filter((how) => !/died: (exit code 137|signal SIGKILL)/u.test(how))).toEqual([]);
  },
);

/** What a person may say of a step whose host was killed in the act: how the run ends, how often it was done. */
const ANSWERS = [
  { as: 'done', status: 'succeeded', code: undefined, times: 1 },
  { as: 'fail', status: 'failed', code: 'STEP_UNKNOWN', times: 1 },
  { as: 'retry', status: 'succeeded', code: undefined, times: 2 },
] as const;

test.each(ANSWERS)(
  'a host killed while it acts on the world outside: nothing is done again until a person says “$as”',
  async ({ as, status, code, times }) => {
    using folder = temporaryFolder('hosts-killed');
    applyPolicy(folder.path, ['bench/*']);
    await using hub = await openHub({ folder: folder.path });
    await installFixture(hub, 'hands');
    let pressed = 0;
    using _listening = hub.bus.on((event) => {
      if (event.type === 'plugin.log' && event.text === 'pressed') pressed += 1;
    });
    const { run, finished } = await hub.engine.start({
      format: 'runtime-hub/workflow@1',
      name: 'Press',
      nodes: { press: { type: 'bench/hands:press', config: { forMs: 3000 } } },
      edges: [],
    });
    await eventOf(hub, 'plugin.log');
    expect(await killOne(hub, () => 0)).toBe(true);
    await eventOf(hub, 'step.unknown');
    expect({ pressed, open: hub.store.runs.open() }).toEqual({ pressed: 1, open: [run] });
    await hub.engine.resolve(run, 'press', as);
    const outcome = await finished;
    expect([outcome.status, outcome.error?.code]).toEqual([status, code]);
    expect(finishedOf(hub.store, run)).toEqual(as === 'retry' ? [['press', 1]] : []);
    expect(pressed).toBe(times);
  },
);
