import { createBus, type Clock } from '@runtime-hub/kernel';
import {
  HubError,
  pluginId,
  runId,
  type HubEvent,
  type MeterReading,
} from '@runtime-hub/plugin-sdk/contract';
import { expect, test } from 'vitest';
import { createMeter, type MeterPorts, type ProcessUse } from '../../../studio/server/meter.ts';
import { chainOf, eventOf, openFlowHub } from '../../support/hub.ts';
import { dataFolder, openedStore, useOf } from './audit/folders.ts';

const plugin = pluginId('core/http');
const DAY_MS = 86_400_000;

/** A clock that stands still; `tick` lets what waits for the next second happen. */
function handClock() {
  let now = DAY_MS;
  let waiting: (() => void)[] = [];
  const clock: Clock = {
    now: () => now,
    after: (_, fn) => {
      waiting.push(fn);
      return { [Symbol.dispose]: () => void (waiting = waiting.filter((it) => it !== fn)) };
    },
  };
  return {
    clock,
    pending: () => waiting.length,
    set: (at: number) => void (now = at),
    tick: () => {
      const due = waiting;
      waiting = [];
      for (const fn of due) fn();
    },
  };
}

/** A meter on a store of its own, over plugins that are installed with a version. */
async function metered(folder: string, options: Partial<MeterPorts> = {}) {
  const store = await openedStore(folder);
  const hand = handClock();
  const bus = createBus({ clock: hand.clock });
  let version = '1.0.0';
  const told: HubEvent[] = [];
  bus.on((event) => void (event.type === 'plugin.metered' && told.push(event)));
  // SAFETY: a meter looks at nothing but the version.
  const installed = () =>
    ({ manifest: { version } }) as unknown as ReturnType<MeterPorts['plugins']['get']>;
  const plugins = { get: (id: string) => (id === plugin ? installed() : null), list: () => [] };
  const meter = createMeter({ bus, clock: hand.clock, plugins, store: store.meter, ...options });
  const emit = (event: HubEvent) => bus.emit(event);
  return {
    ...hand,
    meter,
    told,
    emit,
    store,
    update: (to: string) => {
      version = to;
      emit({ type: 'plugin.installed', at: 1, plugin, version: to });
    },
    step: (nodeType = 'core/http:request') =>
      emit({
        type: 'step.finished',
        at: 1,
        run: runId('run-00000001'),
        node: 'n',
        nodeType,
        ms: 1,
      }),
    ended: (pid: number, why: HubError) =>
      emit({ type: 'host.ended', at: 1, plugin, pid, how: why.message, code: why.code }),
    read: async (): Promise<readonly MeterReading[]> => {
      await store.flush();
      return store.meter.list();
    },
  };
}

const READING = {
  plugin,
  version: '1.0.0',
  day: '1970-01-02',
  steps: 0,
  calls: 0,
  denied: 0,
  rateExceeded: 0,
  crashes: 0,
  cpuMs: 0,
  peakRssBytes: 0,
  logBytes: 0,
  blobBytes: 0,
};

test('steps, uses, refusals, logs and blobs of a plugin are counted, kept and told once a second', async () => {
  using folder = dataFolder();
  const world = await metered(folder.path);
  await using _store = world.store;
  const seen: number[] = [];
  const audit = world.meter.audit({ append: (it) => void seen.push(it.at) });
  for (const decision of ['allowed', 'allowed', 'denied', 'rate-exceeded', 'granted'] as const)
    audit.append(useOf(1, { decision }));
  world.step();
  world.step();
  world.step('core/unknown:other');
  world.emit({ type: 'plugin.log', at: 1, plugin, level: 'info', text: 'höhe' });
  world.meter.addBlobBytes(plugin, 4096);
  expect(seen).toHaveLength(5);
  expect(await world.read()).toEqual([]);
  world.tick();
  await expect.poll(() => world.told.length).toBe(1);
  const expected = {
    ...READING,
    steps: 2,
    calls: 2,
    denied: 1,
    rateExceeded: 1,
    logBytes: 5,
    blobBytes: 4096,
  };
  expect(world.told).toEqual([{ type: 'plugin.metered', at: DAY_MS, sequence: 5, ...expected }]);
  expect(await world.read()).toEqual([expected]);
  expect(world.pending()).toBe(0);
});

test('figures go on after a restart, and begin anew with a version and with a day', async () => {
  using folder = dataFolder();
  for (const steps of [2, 3]) {
    const world = await metered(folder.path);
    await using _store = world.store;
    for (let step = 0; step < steps; step += 1) world.step();
    await world.meter[Symbol.asyncDispose]();
  }
  const world = await metered(folder.path);
  await using _store = world.store;
  world.step();
  world.update('1.1.0');
  world.step();
  world.tick();
  await expect.poll(() => world.told.length).toBe(2);
  world.set(2 * DAY_MS);
  world.tick();
  world.step();
  // The second that began yesterday is still of yesterday; the next one is not.
  world.tick();
  await expect.poll(() => world.told.length).toBe(3);
  world.step();
  await world.meter[Symbol.asyncDispose]();
  expect((await world.read()).map((it) => [it.day, it.version, it.steps])).toEqual([
    ['1970-01-03', '1.1.0', 1],
    ['1970-01-02', '1.0.0', 6],
    ['1970-01-02', '1.1.0', 2],
  ]);
});

test('a host’s time and peak are taken from outside, once each, and another process of its pid is not it', async () => {
  using folder = dataFolder();
  let use: ProcessUse | null = { startedAt: 1, cpuMs: 100, peakRssBytes: 5000 };
  const world = await metered(folder.path, { measure: async () => await Promise.resolve(use) });
  await using _store = world.store;
  const look = async (next: ProcessUse | null, told: number) => {
    use = next;
    world.tick();
    await expect.poll(() => world.pending()).toBe(1);
    expect(world.told).toHaveLength(told);
  };
  world.emit({ type: 'host.started', at: 1, plugin, pid: 7, ms: 1 });
  await look({ startedAt: 1, cpuMs: 100, peakRssBytes: 5000 }, 1);
  await look({ startedAt: 1, cpuMs: 100, peakRssBytes: 5000 }, 1);
  await look({ startedAt: 1, cpuMs: 250, peakRssBytes: 4000 }, 2);
  await look({ startedAt: 2, cpuMs: 9000, peakRssBytes: 9000 }, 2);
  await look(null, 2);
  await world.meter[Symbol.asyncDispose]();
  expect(await world.read()).toEqual([{ ...READING, cpuMs: 250, peakRssBytes: 5000 }]);
});

test('a host that crashed is a crash of the version it ran; one that the hub closed is none', async () => {
  using folder = dataFolder();
  const world = await metered(folder.path, { measure: async () => await Promise.resolve(null) });
  await using _store = world.store;
  for (const pid of [7, 8, 9]) world.emit({ type: 'host.started', at: 1, plugin, pid, ms: 1 });
  world.update('2.0.0');
  world.ended(7, new HubError('HOST_CRASHED', { plugin, how: 'signal SIGSEGV' }));
  world.ended(8, new HubError('HOST_OUT_OF_MEMORY', { plugin, limitMb: 64 }));
  world.ended(9, new HubError('STEP_CANCELLED', { reason: 'it was idle' }));
  await world.meter[Symbol.asyncDispose]();
  expect(await world.read()).toEqual([{ ...READING, crashes: 2 }]);
});

test('a meter reads what this very process used from /proc', async () => {
  using folder = dataFolder();
  const world = await metered(folder.path);
  await using _store = world.store;
  world.emit({ type: 'host.started', at: 1, plugin, pid: process.pid, ms: 1 });
  await world.meter[Symbol.asyncDispose]();
  const [reading] = await world.read();
  expect(reading?.cpuMs).toBeGreaterThan(50);
  expect(reading?.peakRssBytes).toBeGreaterThan(20e6);
});

test('a real hub’s plugin is metered: its steps, its host’s time and memory, its crash', async () => {
  using folder = dataFolder();
  await using hub = await openFlowHub(folder.path);
  const { bus, plugins, store } = hub;
  const clock: Clock = {
    now: () => Date.now(),
    after: (ms, fn) => {
      const timer = setTimeout(fn, ms);
      return { [Symbol.dispose]: () => clearTimeout(timer) };
    },
  };
  const flow = pluginId('core/flow');
  const meter = createMeter({ bus, clock, plugins, store: store.meter });
  const { finished } = await hub.engine.start(
    chainOf(20, () => ({ type: 'core/flow:set', config: { value: 1 } })),
  );
  expect((await finished).status).toBe('succeeded');
  const metered = await eventOf(hub, 'plugin.metered', (it) => it.cpuMs > 0);
  expect(metered).toMatchObject({ plugin: flow, steps: 20, crashes: 0 });
  expect(metered.peakRssBytes).toBeGreaterThan(10e6);
  const host = (await hub.pool.stats()).hosts.find((it) => it.plugin === flow);
  process.kill(host?.pid ?? 0, 'SIGKILL');
  await eventOf(hub, 'host.ended', (it) => it.plugin === flow);
  await meter[Symbol.asyncDispose]();
  await store.flush();
  expect(store.meter.list({ plugin: flow })).toMatchObject([{ steps: 20, crashes: 1 }]);
});
