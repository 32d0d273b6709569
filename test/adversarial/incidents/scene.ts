import { mkdirSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import {
  inWords,
  parseCapability,
  pluginId,
  type Json,
  type Permission,
} from '@runtime-hub/plugin-sdk/contract';
import { openHub, type Hub, type HubOptions } from '../../../studio/server/hub.ts';
import { signWithDeveloperKey } from '../../../studio/server/store/keys.ts';
import { temporaryFolder } from '../../support/hub.ts';
import { applyPolicy } from '../../support/trust.ts';
import { artifactOf } from '../arena/arena.ts';

/** How a story ended: the code of the step's error, what an admin reads about it, and what the audit kept. */
export interface Told {
  readonly code: string | null;
  readonly message: string;
  readonly out: Json;
  /** `<decision>: <permission in words>`, oldest first. */
  readonly audit: readonly string[];
}

/** A hub with a network policy that lets plugins reach this machine, and a plugin that is hostile. */
export interface Scene extends AsyncDisposable {
  readonly hub: Hub;
  readonly home: string;
  /** Installs a version of the plugin; what it asks for is approved when `approve` says so. */
  install(own: Cast): Promise<void>;
  /** Runs its one node to the end. */
  play(config?: object): Promise<Told>;
}

export interface Cast {
  readonly runtime?: 'isolate' | 'process';
  readonly permissions?: readonly Permission[];
  /** The node's `run`. */
  readonly code: string;
  readonly before?: string;
  readonly approve?: boolean;
}

const ID = 'hostile/guest';
const plugin = pluginId(ID);

export async function openScene(options: Omit<HubOptions, 'folder'> = {}): Promise<Scene> {
  const folder = temporaryFolder('scene');
  // A home of its own: an attack looks for keys there.
  const home = join(folder.path, 'home');
  mkdirSync(home);
  process.env['HOME'] = home;
  applyPolicy(join(folder.path, 'hub'), ['hostile/*'], { networks: ['127.0.0.1/32'] });
  const hub = await openHub({ ...options, folder: join(folder.path, 'hub') });
  return {
    hub,
    home,
    async install({ runtime = 'isolate', permissions = [], approve = true, ...rest }) {
      const artifact = artifactOf(ID, {
        name: ID,
        expect: { out: 0 },
        runtime,
        permissions,
        ...rest,
      });
      const bundle = await signWithDeveloperKey(hub.folder, artifact);
      await hub.plugins.install({ artifact, bundle });
      hub.broker.request(plugin);
      if (approve && permissions.length > 0) hub.broker.approve({ plugin, by: 'admin' });
    },
    async play(config = {}) {
      await hub.store.flush();
      const from = hub.store.audit.page({}, { limit: 1 }).records[0]?.sequence ?? 0;
      const retry = { maxAttempts: 1, delayMs: 1, maxDelayMs: 1 };
      const node = { type: `${ID}:attack`, config: config as never, retry };
      const workflow = {
        format: 'runtime-hub/workflow@1',
        name: 'Scene',
        nodes: { node },
        edges: [],
      } as const;
      const { run, finished } = await hub.engine.start({ ...workflow, edges: [] });
      const { error } = await finished;
      await hub.store.flush();
      return {
        code: error?.code ?? null,
        message: error?.message ?? '',
        out: outputOf(hub.store.runs.get(run)?.entries ?? []),
        audit: auditSince(hub, from),
      };
    },
    async [Symbol.asyncDispose]() {
      await hub[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
}

function auditSince(hub: Hub, from: number): readonly string[] {
  const { records } = hub.store.audit.page({ plugin }, { limit: 100 });
  return records
    .filter((it) => it.sequence > from)
    .toReversed()
    .map(({ decision, need }) => `${decision}: ${wordsOf(need)}`);
}

function wordsOf(need: string): string {
  const parsed = parseCapability(need);
  return parsed === null ? need : inWords(parsed);
}

function outputOf(entries: readonly { readonly input: Json }[]): Json {
  for (const { input } of entries) {
    // SAFETY: journal entries are the machine's inputs.
    const { reports = [] } = input as { reports?: readonly { outputs?: { out?: Json } }[] };
    for (const report of reports) if (report.outputs?.out !== undefined) return report.outputs.out;
  }
  return null;
}

/** Resolves when the broker has let the plugin use the capability. */
export async function used({ hub }: Scene, capability: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  using _listening = hub.bus.on((event) => {
    if (event.type !== 'capability.used' || event.plugin !== plugin) return;
    if (event.allowed && event.need.startsWith(capability)) resolve();
  });
  await promise;
}

/** A server on this machine; `seen` are the paths and headers of what reached it. */
export async function serve(
  answer: RequestListener,
): Promise<AsyncDisposable & { readonly origin: string; readonly seen: readonly string[] }> {
  const seen: string[] = [];
  const server: Server = createServer((request, response) => {
    seen.push(`${String(request.url)} ${JSON.stringify(request.headers)}`);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // SAFETY: it listens on TCP.
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${String(port)}`,
    seen,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
