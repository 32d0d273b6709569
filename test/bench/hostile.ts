import { pluginId, runId, type PluginId } from '@runtime-hub/plugin-sdk/contract';
import { artifactOf } from '../adversarial/arena/arena.ts';
import type { PluginAttack } from '../adversarial/arena/attack.ts';
import type { Hub } from '../../studio/server/hub.ts';
import { signWithDeveloperKey } from '../../studio/server/store/keys.ts';

const PERMISSIONS: NonNullable<PluginAttack['permissions']> = [
  { capability: 'state', target: '*', reason: 'To attack.' },
  { capability: 'blobs', target: '*', reason: 'To attack.' },
];

type Way = Pick<PluginAttack, 'runtime' | 'code' | 'before'>;

/** Ways to be a bad neighbour, each a node's `run`. */
export const WAYS: Readonly<Record<string, Way>> = {
  spinning: { runtime: 'isolate', code: '() => { for (;;); }' },
  allocating: {
    runtime: 'isolate',
    code: `() => { const text = '[' + '0,'.repeat(1e6) + '0]'; const kept = []; for (;;) kept.push(JSON.parse(text)); }`,
  },
  'flooding calls': {
    runtime: 'isolate',
    code: `async ({ context }) => { for (let i = 0; i < 100000; i += 1) await Promise.all(Array.from({ length: 200 }, () => context.state.get('k').catch(() => 0))); }`,
  },
  'flooding logs': {
    runtime: 'isolate',
    code: `async ({ context }) => { for (;;) { for (let i = 0; i < 200; i += 1) context.log.info('x'.repeat(8000)); await context.sleep(1); } }`,
  },
  crashing: { runtime: 'process', code: '() => { process.exit(1); }' },
  forking: {
    runtime: 'process',
    before: `import { spawn } from 'node:child_process'; import { Worker } from 'node:worker_threads';`,
    code: `async () => { for (let i = 0; i < 1e5; i += 1) { try { spawn('/rt/node', ['-e', '0']).on('error', () => 0); } catch {} try { new Worker('0', { eval: true }); } catch {} await new Promise(setImmediate); } }`,
  },
  'keeping blobs': {
    runtime: 'process',
    code: `async ({ context }) => { for (;;) await context.blobs.write(new Uint8Array(1 << 20).fill(Math.random() * 255), 'x/y'); }`,
  },
};

/** Signs, installs and approves a plugin that does its worst in every step. */
export async function installHostile(hub: Hub, id: string, way: string): Promise<PluginId> {
  const attack = { name: way, expect: { out: 1 }, permissions: PERMISSIONS, ...wayOf(way) };
  const artifact = artifactOf(id, attack);
  await hub.plugins.install({ artifact, bundle: await signWithDeveloperKey(hub.folder, artifact) });
  const plugin = pluginId(id);
  hub.broker.request(plugin);
  hub.broker.approve({ plugin, by: 'bench' });
  return plugin;
}

function wayOf(way: string): Way {
  const found = WAYS[way];
  if (found === undefined) throw new Error(`There is no way ${way}.`);
  return found;
}

/** Has a plugin attack again and again until disposed; counts how its steps ended. */
export function attack(
  hub: Hub,
  plugin: PluginId,
): AsyncDisposable & { readonly ends: Map<string, number> } {
  const stop = new AbortController();
  const ends = new Map<string, number>();
  const step = { node: 'attack', type: 'attack', config: {}, inputs: {}, links: {} };
  const request = {
    workspace: 'default',
    workflow: 'bench',
    plugin,
    steps: [step],
    values: {},
    deadlineMs: 1000,
  };
  let runs = 0;
  const round = async (): Promise<string> => {
    const run = runId(`${plugin.replace('/', '-')}-${String((runs += 1))}`);
    try {
      const reports = await hub.pool.run({ run, ...request }, stop.signal);
      return reports.map((it) => (it.ok ? 'ok' : it.error.code)).join();
    } finally {
      hub.blobs.runEnded(run);
    }
  };
  const going = (async () => {
    while (!stop.signal.aborted) {
      // SAFETY: the pool rejects with HubError alone.
      const end = await round().catch(
        (error: unknown) => (error as { readonly code: string }).code,
      );
      ends.set(end, (ends.get(end) ?? 0) + 1);
      // A person lets it out again each time: it may go on, as slowly as what crashes is started.
      if (end === 'PLUGIN_QUARANTINED') hub.pool.release(plugin);
    }
  })();
  return {
    ends,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await going;
    },
  };
}
