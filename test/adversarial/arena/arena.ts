import { randomBytes, randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { manifestOf } from '@runtime-hub/plugin-sdk';
import { packArtifact } from '@runtime-hub/plugin-sdk/artifact';
import {
  pluginId,
  type HubEvent,
  type Json,
  type WorkflowDocument,
} from '@runtime-hub/plugin-sdk/contract';
import { openHub, type Hub } from '../../../studio/server/hub.ts';
import { signWithDeveloperKey } from '../../../studio/server/store/keys.ts';
import { temporaryFolder } from '../../support/hub.ts';
import { applyPolicy } from '../../support/trust.ts';
import { expect, vi } from 'vitest';
import { definitionOf, pluginText, type Knowledge, type PluginAttack } from './attack.ts';
import { lives } from './jails.ts';

/** How long something that is as good as over may still take. */
export const SOON = { timeout: 5000, interval: 5 };
const ROOT = path.resolve(import.meta.dirname, '../../..');
const SECRET_NAME = 'ARENA_SECRET';
const ONCE = { maxAttempts: 1, delayMs: 1, maxDelayMs: 1 };

/** The honest plugins that live next door: one in an isolate, one in a process of its own. */
const NEIGHBOURS = ['isolate', 'process'] as const;
const HONEST = '({ config }) => ({ out: config.give })';

/** How a run of one node ended. */
export interface Ended {
  readonly run: string;
  /** Null when it succeeded. */
  readonly code: string | null;
  readonly message: string;
  readonly out: Json;
}

export interface Neighbours {
  /** What those said that did not give back what they were given. */
  readonly failed: readonly string[];
  readonly pids: readonly number[];
}

/** A real hub with honest plugins and planted secrets, in which one attack goes on after the other. */
export interface Arena extends AsyncDisposable {
  readonly hub: Hub;
  readonly knowledge: Knowledge;
  /** Texts that must never leave the hub. */
  readonly secrets: readonly string[];
  readonly events: HubEvent[];
  /** Packs, signs, installs and approves the plugin of an attack; its id. */
  install(attack: PluginAttack): Promise<string>;
  /** Runs one node of a plugin to its end. */
  run(plugin: string, config?: object): Promise<Ended>;
  /** Resolves once a step of the plugin has started, of the events from number `from` on. */
  started(plugin: string, from: number): Promise<void>;
  /** Ends a plugin's host and removes the plugin; resolves once nothing of it is left. */
  end(plugin: string): Promise<void>;
  /** Has both honest plugins give back a new value. */
  neighbours(): Promise<Neighbours>;
}

/** Opens the arena; `HOME` of this process is in it from then on, with a key an attack may look for. */
export async function openArena(): Promise<Arena> {
  const folder = temporaryFolder('arena');
  const data = path.join(folder.path, 'hub');
  const home = path.join(folder.path, 'home');
  const secrets = [1, 2, 3].map(() => `canary-${randomBytes(12).toString('hex')}`);
  const secretFile = plant(home, data, secrets);
  applyPolicy(data, ['hostile/*', 'calm/*']);
  const hub = await openHub({ folder: data });
  const events: HubEvent[] = [];
  const listening = hub.bus.on((event) => void events.push(event));
  const arena = new LiveArena(hub, events, {
    secrets: [...secrets, keyIn(data)],
    knowledge: {
      ...{ folder: data, home, root: ROOT, hubPid: process.pid },
      ...{ secretFile, secretName: SECRET_NAME },
    },
    close: async () => {
      listening[Symbol.dispose]();
      await hub[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  });
  for (const runtime of NEIGHBOURS) {
    const honest = { name: 'honest', expect: { out: 1 }, runtime, code: HONEST, timeoutMs: 30_000 };
    await arena.installAs(`calm/${runtime}`, honest);
  }
  return arena;
}

/** Puts canaries where a thief would look: the environment, a key in the home, a file of the hub's. */
function plant(home: string, data: string, secrets: readonly string[]): string {
  const [first = '', second = '', third = ''] = secrets;
  const secretFile = path.join(home, '.ssh', 'id_ed25519');
  mkdirSync(path.dirname(secretFile), { recursive: true });
  mkdirSync(data, { recursive: true, mode: 0o700 });
  process.env[SECRET_NAME] = first;
  process.env['HOME'] = home;
  writeFileSync(secretFile, second);
  writeFileSync(path.join(data, 'notes.txt'), third);
  return secretFile;
}

/** The body of the developer's private key. */
const keyIn = (data: string): string =>
  readFileSync(path.join(data, 'keys', 'developer.pem'), 'utf8').split('\n')[1] ?? '';

class LiveArena implements Arena {
  readonly hub: Hub;
  readonly events: HubEvent[];
  readonly knowledge: Knowledge;
  readonly secrets: readonly string[];
  readonly #close: () => Promise<void>;
  #count = 0;

  constructor(
    hub: Hub,
    events: HubEvent[],
    own: {
      readonly secrets: readonly string[];
      readonly knowledge: Knowledge;
      readonly close: () => Promise<void>;
    },
  ) {
    this.hub = hub;
    this.events = events;
    this.knowledge = own.knowledge;
    this.secrets = own.secrets;
    this.#close = own.close;
  }

  async install(attack: PluginAttack): Promise<string> {
    this.#count += 1;
    const id = `hostile/attack-${String(this.#count)}`;
    await this.installAs(id, attack);
    return id;
  }

  async installAs(id: string, attack: PluginAttack): Promise<void> {
    const { hub } = this;
    const artifact = artifactOf(id, attack);
    await hub.plugins.install({
      artifact,
      bundle: await signWithDeveloperKey(hub.folder, artifact),
    });
    const plugin = pluginId(id);
    hub.broker.request(plugin);
    if (attack.permissions !== undefined) hub.broker.approve({ plugin, by: 'test' });
  }

  async run(plugin: string, config: object = this.knowledge): Promise<Ended> {
    const { run, finished } = await this.hub.engine.start(oneNode(plugin, config));
    const { error } = await finished;
    const stored = this.hub.store.runs.get(run);
    return {
      run: String(run),
      code: error?.code ?? null,
      message: error?.message ?? '',
      out: outputOf(stored?.entries ?? []),
    };
  }

  async started(plugin: string, from: number): Promise<void> {
    const begun = (): boolean =>
      this.events.slice(from).some((it) => it.type === 'host.started' && it.plugin === plugin);
    await vi.waitFor(() => expect(begun()).toBe(true), SOON);
  }

  async end(id: string): Promise<void> {
    const plugin = pluginId(id);
    await this.hub.pool.stop(plugin);
    const started = this.events.flatMap((it) =>
      it.type === 'host.started' && it.plugin === id ? [it.pid] : [],
    );
    await vi.waitFor(() => expect(started.filter(lives)).toEqual([]), SOON);
    await this.hub.plugins.remove(plugin);
  }

  async neighbours(): Promise<Neighbours> {
    const give = randomUUID();
    const ends = await Promise.all(NEIGHBOURS.map((it) => this.run(`calm/${it}`, { give })));
    const { hosts } = await this.hub.pool.stats();
    const calm = hosts.filter((host) => host.plugin.startsWith('calm/'));
    return {
      failed: ends.flatMap((end) => (end.code === null && end.out === give ? [] : [end.message])),
      pids: calm.map((host) => host.pid).toSorted((a, b) => a - b),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }
}

/** A signed plugin's files, packed. */
export function artifactOf(id: string, attack: PluginAttack): Uint8Array {
  const definition = definitionOf(id, attack);
  // SAFETY: schemas of a definition are plain JSON here; the hub checks the manifest made of them.
  const manifest = manifestOf(definition as unknown as Parameters<typeof manifestOf>[0]);
  return packArtifact(
    new Map([
      ['manifest.json', Buffer.from(JSON.stringify(manifest))],
      ['plugin.js', Buffer.from(pluginText(definition, attack))],
      ['README.md', Buffer.from('An attack.')],
      ['LICENSE', readFileSync(path.join(ROOT, 'LICENSE'))],
    ]),
  );
}

function oneNode(plugin: string, config: object): WorkflowDocument {
  // SAFETY: configs are made of texts and numbers.
  const node = {
    type: `${plugin}:attack`,
    config,
    retry: ONCE,
  } as WorkflowDocument['nodes'][string];
  return { format: 'runtime-hub/workflow@1', name: plugin, nodes: { attack: node }, edges: [] };
}

/** What the node gave on `out`, from the journal; null when it gave nothing. */
function outputOf(entries: readonly { readonly input: Json }[]): Json {
  for (const { input } of entries) {
    // SAFETY: journal entries are the machine's inputs.
    const { reports = [] } = input as { reports?: readonly { outputs?: { out?: Json } }[] };
    for (const report of reports) if (report.outputs?.out !== undefined) return report.outputs.out;
  }
  return null;
}
