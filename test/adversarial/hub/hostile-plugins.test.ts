import {
  pluginId,
  type ErrorCode,
  type HubEvent,
  type WorkflowDocument,
} from '@runtime-hub/plugin-sdk/contract';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openHub, type Hub } from '../../../studio/server/hub.ts';
import { chainOf, installBuiltIns, installFixture, temporaryFolder } from '../../support/hub.ts';
import { applyPolicy } from '../../support/trust.ts';

const ONCE = { maxAttempts: 1, delayMs: 1, maxDelayMs: 1 };

type Expected = ErrorCode | RegExp | null;

/** What a step that misbehaves costs: its own typed error, or nothing at all: a log line that is too long is cut. */
const PROCESS_ATTACKS = {
  throw: 'STEP_FAILED',
  crash: 'HOST_CRASHED',
  exit: 'HOST_CRASHED',
  spin: 'HOST_UNRESPONSIVE',
  allocate: 'HOST_OUT_OF_MEMORY',
  'log-line': null,
  'forged-reply': 'HOST_PROTOCOL_ERROR',
  garbage: 'HOST_PROTOCOL_ERROR',
  oversize: 'HOST_PROTOCOL_ERROR',
} as const satisfies Readonly<Record<string, Expected>>;

const ISOLATE_ATTACKS = {
  throw: 'STEP_FAILED',
  crash: 'STEP_FAILED',
  exit: 'STEP_FAILED',
  spin: 'STEP_TIMED_OUT',
  never: 'STEP_TIMED_OUT',
  // Near its limit the garbage collector takes so long that the time for one entry may be over first.
  allocate: /^(HOST_OUT_OF_MEMORY|STEP_TIMED_OUT)$/u,
  'log-line': null,
  'wrong-output': 'STEP_OUTPUT_INVALID',
} as const satisfies Readonly<Record<string, Expected>>;

const folder = temporaryFolder('hostile');
let hub: Hub;

beforeAll(async () => {
  applyPolicy(folder.path, ['bench/*', 'hostile/*']);
  hub = await openHub({ folder: folder.path });
  await installBuiltIns(hub, ['core/flow']);
  for (const name of ['echo', 'hostile-process', 'hostile-isolate'])
    await installFixture(hub, name);
}, 60_000);
afterAll(async () => {
  await hub[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

function attack(plugin: string, way: string, retry = ONCE): WorkflowDocument {
  return {
    format: 'runtime-hub/workflow@1',
    name: `${plugin} ${way}`,
    nodes: { attack: { type: `${plugin}:attack`, config: { way }, retry } },
    edges: [],
  };
}

/** Neighbours of both kinds, one after the other for as long as `until` is pending; how many ended well. */
async function neighboursDuring(until: Promise<unknown>): Promise<number> {
  const chain = chainOf(8, (index) =>
    index % 2 === 0
      ? { type: 'core/flow:set', config: { value: index } }
      : { type: 'core/flow:delay', config: { ms: 1 } },
  );
  let isOver = false;
  void until.finally(() => (isOver = true));
  let done = 0;
  do {
    const { finished } = await hub.engine.start(chain);
    expect(await finished).toMatchObject({ status: 'succeeded', error: null });
    done += 1;
  } while (!isOver);
  return done;
}

async function play(plugin: string, way: string, expected: Expected): Promise<void> {
  hub.pool.release(pluginId(plugin));
  const logged: number[] = [];
  using _listening = hub.bus.on((event) => {
    if (event.type === 'plugin.log') logged.push(event.text.length);
  });
  const { run, finished } = await hub.engine.start(attack(plugin, way));
  const [outcome, neighbours] = await Promise.all([finished, neighboursDuring(finished)]);
  if (expected instanceof RegExp) expect(outcome.error?.code).toMatch(expected);
  else expect(outcome.error?.code ?? null).toBe(expected);
  expect(outcome.status).toBe(expected === null ? 'succeeded' : 'failed');
  expect(neighbours).toBeGreaterThan(0);
  expect(Math.max(0, ...logged)).toBeLessThanOrEqual(8192);
  const stored = hub.store.runs.get(run);
  expect(stored?.status).toBe(outcome.status);
}

describe('one step of a hostile process plugin costs only itself', () => {
  test.each(Object.entries(PROCESS_ATTACKS))('%s: %s', { timeout: 60_000 }, async (way, code) => {
    await play('hostile/process', way, code);
  });
});

describe('one step of a hostile isolate plugin costs only itself', () => {
  test.each(Object.entries(ISOLATE_ATTACKS))('%s: %s', { timeout: 60_000 }, async (way, code) => {
    await play('hostile/isolate', way, code);
  });
});

test(
  'a plugin that crashes three times is in quarantine, and only that plugin',
  { timeout: 60_000 },
  async () => {
    const plugin = pluginId('hostile/process');
    hub.pool.release(plugin);
    const quarantined: HubEvent[] = [];
    using _listening = hub.bus.on((event) => {
      if (event.type === 'plugin.quarantined') quarantined.push(event);
    });
    for (let crash = 0; crash < 3; crash += 1) {
      const { finished } = await hub.engine.start(attack('hostile/process', 'exit'));
      expect((await finished).error?.code).toBe('HOST_CRASHED');
    }
    const { finished } = await hub.engine.start(attack('hostile/process', 'throw'));
    expect((await finished).error?.code).toBe('PLUGIN_QUARANTINED');
    expect(quarantined).toMatchObject([{ plugin }]);
    expect(await neighboursDuring(Promise.resolve())).toBeGreaterThan(0);
    hub.pool.release(plugin);
    const again = await hub.engine.start(attack('hostile/process', 'throw'));
    expect((await again.finished).error?.code).toBe('STEP_FAILED');
  },
);
