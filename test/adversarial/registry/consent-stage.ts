import { packArtifact, readArtifact } from '@runtime-hub/plugin-sdk/artifact';
import { pluginId, type PluginId } from '@runtime-hub/plugin-sdk/contract';
import { afterAll } from 'vitest';
import { packOf, reach, type Pack } from '../../e2e/registry-pack.ts';
import { post } from '../../registry/open-registry.ts';
import { addRegistry, openScene } from '../../studio/server/plugins/machine.ts';

export const scene = await openScene();
export const hub = await scene.open();
await addRegistry(hub, scene, { exclusive: true });
afterAll(async () => {
  await hub[Symbol.asyncDispose]();
  await scene[Symbol.asyncDispose]();
});

let count = 0;

/** A plugin that nobody has used yet. */
export const newId = (): PluginId => pluginId(`acme/case-${String((count += 1))}`);
export type Change = Partial<Omit<Pack, 'id' | 'version'>> & {
  readonly provides?: readonly string[];
};

/** A signed version; what a person of the registry must look at is let go by its admin. */
export async function publish(
  id: PluginId,
  version: string,
  { provides = [], ...more }: Change = {},
): Promise<void> {
  const files = new Map(readArtifact(packOf({ id, version, ...more })).files);
  // SAFETY: a manifest of our own.
  const manifest = JSON.parse(String(Buffer.from(files.get('manifest.json') ?? []))) as object;
  files.set('manifest.json', Buffer.from(JSON.stringify({ ...manifest, provides })));
  // The pack's code asks for hosts only.
  const code = String(Buffer.from(files.get('plugin.js') ?? []));
  if (more.permissions?.some((it) => it.capability !== 'net.http') === true)
    files.set('plugin.js', Buffer.from(code.replace(/^export const ask.*\n/u, '')));
  const { ask, admin } = scene.at;
  const reply = await post(ask, scene.acme, new Uint8Array(packArtifact(files)));
  if (reply.status === 202) {
    const path = `/v1/plugins/${id}/${version}/approve`;
    await admin('POST', path, { json: { reason: 'looked at' } });
  } else if (reply.status !== 201) throw new Error(reply.text);
}

export const API = reach('api.example.com');
export const withApi = { permissions: [API] };
