import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { createHostPool, type HostPool } from '@runtime-hub/kernel';
import { pluginId, runId, type PluginId } from '@runtime-hub/plugin-sdk/contract';
import type { Launcher } from '@runtime-hub/plugin-sdk/hosting';
import { ISOLATE_HOST } from '@runtime-hub/plugin-sdk/runtime';
import type { Hub } from '../../studio/server/hub.ts';
import { systemClock, systemIds } from '../../studio/server/system.ts';
import { installCopies } from '../support/copies.ts';
import { medianOf, microsecondsEach, spread } from './figures.ts';
import type { Row } from './main.ts';

const ROUNDS = 5;
const PLUGINS = 50;
const MB = 1024 * 1024;

/** What being a plugin costs: the gate, the jail, the start of a host, memory of one and of fifty. */
export async function measurePlugins(hub: Hub): Promise<readonly Row[]> {
  const [first, ...more] = await installCopies(hub, 'bench/small', PLUGINS);
  if (first === undefined) throw new Error('No plugin was installed.');
  const check = await brokerCheck(hub);
  const [jailed, bare] = await jailCost(hub, first);
  const warm = await starts(hub, more.slice(0, 10), 1);
  const cold = await starts(hub, more.slice(0, 10), 0);
  for (const id of more) await hub.pool.warm(id);
  const { hosts } = await hub.pool.stats();
  const each = hosts.filter((it) => it.plugin.startsWith('bench/small')).map((it) => pss(it.pid));
  const sum = each.reduce((all, one) => all + one, 0) / MB;
  const one = spread(each.map((it) => it / MB)).p50;
  const ms = (value: number): string => `${value.toFixed(3)} ms`;
  return [
    met('gate: decide, record, pass on and back', check, 5, (it) => `${it.toFixed(2)} µs`),
    {
      what: 'isolate round trip p50, in the jail / without one',
      figure: `${ms(jailed)} / ${ms(bare)}`,
    },
    met('start of an isolate host from a spare, median', warm, 30, ms),
    met('start of an isolate host, cold, median', cold, 250, ms),
    met(
      `memory of an isolate host among ${String(each.length)} (PSS), median`,
      one,
      15,
      (it) => `${it.toFixed(1)} MB`,
    ),
    met(
      `memory of ${String(each.length)} plugins at once (PSS)`,
      sum,
      1024,
      (it) => `${it.toFixed(0)} MB`,
    ),
  ];
}

const met = (what: string, value: number, most: number, text: (value: number) => string): Row => ({
  what,
  figure: text(value),
  budget: `≤ ${String(most)}`,
  isMet: value <= most,
});

/** Microseconds of a call through the broker to a service that does nothing much. */
async function brokerCheck(hub: Hub): Promise<number> {
  const plugin = pluginId('core/flow');
  const caller = {
    plugin,
    run: runId('bench-run'),
    workspace: 'default',
    workflow: 'bench',
    node: 'n',
    host: null,
  };
  const request = { capability: 'state', operation: 'get', args: { key: 'k' } } as const;
  const { signal } = new AbortController();
  const call = async (): Promise<unknown> => await hub.broker.call(caller, request, signal);
  const round = async (): Promise<number> => await microsecondsEach(20_000, call);
  // Compiled and optimized first, as in a hub that has run for a while.
  await medianOf(ROUNDS, round);
  return await medianOf(ROUNDS, round);
}

/** Round trips of one plugin, jailed and not, turn by turn. */
async function jailCost(hub: Hub, plugin: PluginId): Promise<readonly [number, number]> {
  const free = barePool(hub);
  try {
    const rounds = { jailed: [] as number[], bare: [] as number[] };
    for (let round = 0; round < ROUNDS; round += 1) {
      rounds.jailed.push(await roundTrip(hub.pool, plugin));
      rounds.bare.push(await roundTrip(free, plugin));
    }
    return [spread(rounds.jailed).p50, spread(rounds.bare).p50];
  } finally {
    await free.close();
  }
}

export async function roundTrip(pool: HostPool, plugin: PluginId, count = 1000): Promise<number> {
  const samples: number[] = [];
  for (let index = 0; index < count; index += 1) samples.push(await echo(pool, plugin));
  return spread(samples).p50;
}

const STEP = { node: 'n', type: 'echo', config: {}, inputs: { value: 1 }, links: {} };
const STEPS = [STEP];

/** Milliseconds of one step of a copy of the fixture `small`. */
export async function echo(pool: HostPool, plugin: PluginId): Promise<number> {
  const { signal } = new AbortController();
  const request = {
    run: runId('bench-run'),
    workspace: 'default',
    workflow: 'bench',
    plugin,
    steps: STEPS,
  };
  const start = performance.now();
  const [report] = await pool.run({ ...request, values: {}, deadlineMs: 10_000 }, signal);
  if (report?.ok !== true) throw new Error(`The bench step failed: ${JSON.stringify(report)}`);
  return performance.now() - start;
}

/** Median milliseconds until a plugin's host is ready, in a pool of its own with so many spares. */
async function starts(hub: Hub, plugins: readonly PluginId[], spares: number): Promise<number> {
  const launches: Promise<unknown>[] = [];
  const launch: Launcher['launch'] = async (spec) => {
    const launched = hub.launcher.launch(spec);
    launches.push(launched);
    return await launched;
  };
  const pool = poolOn(hub, { launch }, spares);
  const samples: number[] = [];
  try {
    // The first start brings the spares.
    await pool.warm(pluginId('core/flow'));
    for (const plugin of plugins) {
      // What is measured is the start, not the wait for the spare.
      await Promise.all(launches);
      const start = performance.now();
      await pool.warm(plugin);
      samples.push(performance.now() - start);
      await pool.stop(plugin);
    }
  } finally {
    await pool.close();
  }
  return spread(samples).p50;
}

const poolOn = (hub: Hub, launcher: Launcher, spares: number): HostPool =>
  createHostPool({
    ...{ launcher, plugins: hub.plugins, gate: hub.broker, blobs: hub.blobs.access },
    ...{ events: hub.bus, clock: systemClock, ids: systemIds, limits: { spares } },
  });

/** Isolate hosts as they are, but for the jail. Only here: what runs in them is our own. */
function barePool(hub: Hub): HostPool {
  const launch: Launcher['launch'] = async () => {
    const argv = ['--no-node-snapshot', '--jitless', ISOLATE_HOST];
    const child = spawn(process.execPath, argv, {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
      env: {},
    });
    const ended = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
      child.once('close', (code, signal) => resolve({ code, signal }));
    });
    // SAFETY: 'pipe' at index 3 is a duplex socket.
    const line = child.stdio[3] as Socket;
    const kill = (): void => void child.kill('SIGKILL');
    return await Promise.resolve({
      ...{ pid: child.pid ?? 0, input: line, output: line, logs: Readable.from([]), ended, kill },
    });
  };
  return poolOn(hub, { launch }, 0);
}

/** Proportional set size of a process in bytes: shared pages count in part. */
function pss(pid: number): number {
  const text = readFileSync(`/proc/${String(pid)}/smaps_rollup`, 'utf8');
  return Number(/^Pss:\s+(\d+) kB$/mu.exec(text)?.[1] ?? 0) * 1024;
}
