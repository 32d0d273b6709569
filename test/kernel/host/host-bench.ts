import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import os from 'node:os';
import path from 'node:path';
import {
  pluginId,
  runId,
  type HubEvent,
  type Json,
  type JsonObject,
  type Manifest,
  type Runtime,
} from '@runtime-hub/plugin-sdk/contract';
import type { PoolLimits } from '@runtime-hub/plugin-sdk/hosting';
import { typeOf } from '../run/sketch.ts';
import { createHostPool, type HostPool } from '../../../kernel/host/host-pool.ts';
import { createLauncher } from '../../../plugin-sdk/hosting/jail/launcher.ts';
import type { BlobAccess, CapabilityGate, Clock, InstalledPlugin } from '../../../kernel/ports.ts';

const FIXTURES = path.resolve(import.meta.dirname, '../../fixtures/hosts');
export const FAKE_HOST = path.join(FIXTURES, 'fake-host.mjs');

export const clock: Clock = {
  now: () => Date.now(),
  after(ms, fn) {
    const timer = setTimeout(fn, ms);
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  },
};

/** A launcher whose jails run `script` under node, or the fake host. */
export const fakeLauncher = (entry: readonly string[] = [FAKE_HOST]) =>
  createLauncher({ minIsolation: 'strong', hosts: { entry: () => entry, mounts: [FIXTURES] } });

export interface Bench extends AsyncDisposable {
  readonly pool: HostPool;
  readonly events: HubEvent[];
  readonly shared: string[];
  install(id: string, plugin?: Partial<Manifest>, source?: string): InstalledPlugin;
  /** Runs one step that does `what`. */
  act(
    id: string,
    what: JsonObject,
    how?: { deadlineMs?: number; signal?: AbortSignal },
  ): Promise<Json>;
}

export function openBench(
  options: {
    readonly gate?: CapabilityGate;
    readonly limits?: Partial<PoolLimits>;
    readonly real?: boolean;
  } = {},
): Bench {
  const root = mkdtempSync(path.join(os.tmpdir(), 'hosts-'));
  const plugins = new Map<string, InstalledPlugin>();
  const events: HubEvent[] = [];
  const shared: string[] = [];
  const pool = createHostPool({
    launcher: options.real === true ? createLauncher({ minIsolation: 'strong' }) : fakeLauncher(),
    plugins: { get: (id) => plugins.get(id) ?? null, list: () => [...plugins.values()] },
    gate: options.gate ?? { call: async (_caller, request) => request.args },
    blobs: memoryBlobs(root, shared),
    events: { emit: (event) => void events.push(event) },
    clock,
    ids: { next: () => randomUUID() },
    limits: { spares: 0, ...options.limits },
  });
  return {
    pool,
    events,
    shared,
    install(id, changes, source) {
      const folder = mkdtempSync(path.join(root, 'plugin-'));
      const manifest = manifestFor(id, changes);
      writeFileSync(path.join(folder, 'plugin.js'), source ?? JSON.stringify(manifest));
      const digest = `sha512-${randomUUID()}`;
      const plugin = {
        manifest,
        digest,
        publisher: 'test',
        folder,
      };
      plugins.set(id, plugin);
      return plugin;
    },
    async act(id, what, how = {}) {
      const step = {
        node: 'n',
        type: `${id}:act`,
        config: what,
        inputs: {},
        links: {},
      };
      const [report] = await pool.run(
        {
          ...{
            run: runId('run-00000001'),
            workspace: 'default',
            workflow: 'w',
            plugin: pluginId(id),
          },
          ...{
            steps: [step],
            values: {},
            deadlineMs: how.deadlineMs ?? 5e3,
          },
        },
        how.signal ?? new AbortController().signal,
      );
      if (report === undefined) throw new Error('no report');
      return report.ok ? report.outputs : report.error;
    },
    async [Symbol.asyncDispose]() {
      await pool.close();
      rmSync(root, {
        recursive: true,
        force: true,
      });
    },
  };
}

function memoryBlobs(root: string, shared: string[]): BlobAccess {
  return {
    share: (_value, from) => void shared.push(from === null ? 'lent' : 'checked'),
    open(host) {
      const [inFolder, outFolder] = [path.join(root, host, 'in'), path.join(root, host, 'out')];
      for (const folder of [inFolder, outFolder]) mkdirSync(folder, { recursive: true });
      return { inFolder, outFolder };
    },
    close: (host) => rmSync(path.join(root, host), { recursive: true, force: true }),
  };
}

function manifestFor(id: string, changes: Partial<Manifest> = {}): Manifest {
  const runtime: Runtime = 'isolate';
  return {
    manifestVersion: 1,
    id: pluginId(id),
    version: '1.0.0',
    title: 'T',
    description: '',
    ...{
      license: 'MIT',
      engine: '*',
      runtime,
      entry: 'plugin.js',
      permissions: [],
    },
    ...{
      provides: [],
      nodes: [
        typeOf('act', {
          outputs: { pid: {}, value: {}, answer: {}, refused: {} },
        }),
      ],
    },
    ...changes,
  };
}

/** Waits until `fact` holds. */
export async function until(fact: () => boolean): Promise<void> {
  while (!fact()) await new Promise((resolve) => setImmediate(resolve));
}
