import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packPlugin } from '@runtime-hub/plugin-sdk/cli';
import {
  pluginId,
  type HubEvent,
  type HubEventType,
  type WorkflowDocument,
} from '@runtime-hub/plugin-sdk/contract';
import { findRelease } from '../../studio/server/built-in.ts';
import { openHub, type Hub } from '../../studio/server/hub.ts';
import { signWithDeveloperKey } from '../../studio/server/store/keys.ts';

/** A temporary folder that goes with its owner. */
export function temporaryFolder(name: string): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), `hub-${name}-`));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** Installs built-in plugins and approves all they ask for. */
export async function installBuiltIns(
  hub: Hub,
  ids: readonly string[],
  options = { approve: true },
): Promise<void> {
  for (const id of ids) {
    const plugin = pluginId(id);
    await hub.plugins.install(await findRelease(hub.folder, id));
    hub.broker.request(plugin);
    if (options.approve) hub.broker.approve({ plugin, by: 'test' });
  }
}

/** Packs, signs and installs a plugin of test/fixtures/plugins. */
export async function installFixture(hub: Hub, name: string): Promise<void> {
  const folder = fileURLToPath(new URL(`../fixtures/plugins/${name}`, import.meta.url));
  const artifact = await packPlugin(folder);
  await hub.plugins.install({ artifact, bundle: await signWithDeveloperKey(hub.folder, artifact) });
}

/** Opens a hub on `folder` with core/flow installed. */
export async function openFlowHub(folder: string): Promise<Hub> {
  const hub = await openHub({ folder });
  if (hub.plugins.get(pluginId('core/flow')) === null) await installBuiltIns(hub, ['core/flow']);
  return hub;
}

/** Resolves with the first event of a type that `accepts`; ends with the test otherwise. */
export async function eventOf<T extends HubEventType>(
  hub: Hub,
  type: T,
  accepts: (event: Extract<HubEvent, { type: T }>) => boolean = () => true,
): Promise<Extract<HubEvent, { type: T }>> {
  for await (const event of hub.bus.subscribe({ capacity: 10_000, since: 0 })) {
    if (!('type' in event) || event.type !== type) continue;
    // SAFETY: the type was just compared.
    const match = event as unknown as Extract<HubEvent, { type: T }>;
    if (accepts(match)) return match;
  }
  throw new Error(`The hub closed before ${type}`);
}

/** A chain of `length` steps, `at(i)` giving each node. */
export function chainOf(
  length: number,
  at: (index: number) => {
    type: string;
    config?: Record<string, never> | Record<string, string | number>;
  },
): WorkflowDocument {
  const names = Array.from({ length }, (_, index) => `n${String(index)}`);
  return {
    format: 'runtime-hub/workflow@1',
    name: `Chain of ${String(length)}`,
    nodes: Object.fromEntries(names.map((name, index) => [name, at(index)])),
    edges: names.slice(1).map((name, index) => [`n${String(index)}.done`, `${name}.run`]),
  };
}
