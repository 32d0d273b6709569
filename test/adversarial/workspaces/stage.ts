import { readFileSync } from 'node:fs';
import path from 'node:path';
import { manifestOf } from '@runtime-hub/plugin-sdk';
import { packArtifact } from '@runtime-hub/plugin-sdk/artifact';
import {
  pluginId,
  type CapabilityName,
  type Json,
  type Permission,
  type PluginId,
  type RunId,
  type WorkflowDocument,
} from '@runtime-hub/plugin-sdk/contract';
import { openHub, type Hub } from '../../../studio/server/hub.ts';
import { signWithDeveloperKey } from '../../../studio/server/store/keys.ts';
import { applyPolicy } from '../../support/trust.ts';
import { definitionOf } from '../arena/attack.ts';

const LICENSE = path.resolve(import.meta.dirname, '../../../LICENSE');
const ONCE = { maxAttempts: 1, delayMs: 1, maxDelayMs: 1 };

export interface Cast {
  readonly permissions: readonly (readonly [CapabilityName, string])[];
  /** The node's `run`. */
  readonly code: string;
  readonly before?: string;
  /** What its node says it uses; the step waits for that. */
  readonly uses?: readonly CapabilityName[];
  /** Operations by capability, as text. */
  readonly provides?: Readonly<Partial<Record<CapabilityName, string>>>;
}

/** A hub with hostile plugins and runs in several workspaces. */
export interface Stage extends AsyncDisposable {
  readonly hub: Hub;
  install(name: string, cast: Cast): Promise<PluginId>;
  start(
    plugin: PluginId,
    workspace: string,
    config?: Readonly<Record<string, string | number>>,
  ): ReturnType<Hub['engine']['start']>;
  /** How a run of the plugin's node ends: the code of its error, or what it gave. */
  play(plugin: PluginId, workspace: string): Promise<Json>;
  outOf(run: RunId): Json;
}

export async function openStage(folder: string): Promise<Stage> {
  applyPolicy(folder, ['hostile/*']);
  const hub = await openHub({ folder });
  const start: Stage['start'] = async (plugin, workspace, config = {}) =>
    await hub.engine.start(oneNode(plugin, config), { workspace });
  const outOf = (run: RunId): Json => outputOf(hub.store.runs.get(run)?.entries ?? []);
  return {
    hub,
    start,
    outOf,
    async install(name, cast) {
      const id = `hostile/${name}`;
      const artifact = artifactOf(id, cast);
      const bundle = await signWithDeveloperKey(hub.folder, artifact);
      await hub.plugins.install({ artifact, bundle });
      return pluginId(id);
    },
    async play(plugin, workspace) {
      const { run, finished } = await start(plugin, workspace);
      const { error } = await finished;
      return error?.code ?? outOf(run);
    },
    [Symbol.asyncDispose]: async () => await hub[Symbol.asyncDispose](),
  };
}

export const oneNode = (plugin: PluginId, config: object = {}): WorkflowDocument => ({
  format: 'runtime-hub/workflow@1',
  name: 'Attack',
  // SAFETY: configs are made of texts and numbers.
  nodes: { attack: { type: `${plugin}:attack`, config: config as never, retry: ONCE } },
  edges: [],
});

function artifactOf(id: string, { code, before = '', uses = [], ...cast }: Cast): Uint8Array {
  const permissions = cast.permissions.map(([capability, target]): Permission => ({
    capability,
    target,
    reason: 'To attack.',
  }));
  const plain = definitionOf(id, {
    name: id,
    expect: { out: 0 },
    runtime: 'isolate',
    code,
    permissions,
  });
  const nodes = plain.nodes.map((node) => ({ ...node, timeoutMs: 60_000, uses: [...uses] }));
  const provides = Object.fromEntries(Object.keys(cast.provides ?? {}).map((it) => [it, {}]));
  const definition = { ...plain, nodes, provides };
  // SAFETY: schemas of a definition are plain JSON here; the hub checks the manifest made of them.
  const manifest = manifestOf(definition as unknown as Parameters<typeof manifestOf>[0]);
  const served = Object.entries(cast.provides ?? {}).map(([name, text]) => `'${name}': ${text}`);
  const text = `${before}
const definition = ${JSON.stringify(definition)};
definition.nodes[0].run = ${code};
definition.provides = { ${served.join(', ')} };
export default definition;
`;
  return packArtifact(
    new Map([
      ['manifest.json', Buffer.from(JSON.stringify(manifest))],
      ['plugin.js', Buffer.from(text)],
      ['README.md', Buffer.from('An attack.')],
      ['LICENSE', readFileSync(LICENSE)],
    ]),
  );
}

/** What the node gave on `out`; null when it gave nothing. */
function outputOf(entries: readonly { readonly input: Json }[]): Json {
  for (const { input } of entries) {
    // SAFETY: journal entries are the machine's inputs.
    const { reports = [] } = input as { reports?: readonly { outputs?: { out?: Json } }[] };
    for (const report of reports) if (report.outputs?.out !== undefined) return report.outputs.out;
  }
  return null;
}
