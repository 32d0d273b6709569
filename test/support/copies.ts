import { fileURLToPath } from 'node:url';
import { packArtifact, readArtifact } from '@runtime-hub/plugin-sdk/artifact';
import { packPlugin } from '@runtime-hub/plugin-sdk/cli';
import { pluginId, type PluginId } from '@runtime-hub/plugin-sdk/contract';
import type { Hub } from '../../studio/server/hub.ts';
import { signWithDeveloperKey } from '../../studio/server/store/keys.ts';

/** Installs `count` copies of a fixture as `<as>-1`, `<as>-2` …; each is a plugin of its own. `id` is the fixture's. */
export async function installCopies(
  hub: Hub,
  fixture: { readonly name: string; readonly id: string; readonly as: string },
  count: number,
): Promise<readonly PluginId[]> {
  const folder = fileURLToPath(new URL(`../fixtures/plugins/${fixture.name}`, import.meta.url));
  const { files } = readArtifact(await packPlugin(folder));
  const copies: PluginId[] = [];
  for (let number = 1; number <= count; number += 1) {
    const id = `${fixture.as}-${String(number)}`;
    const own = [...files].map(([path, bytes]): [string, Uint8Array] =>
      path === 'plugin.js' || path === 'manifest.json'
        ? [path, Buffer.from(Buffer.from(bytes).toString().replaceAll(fixture.id, id))]
        : [path, bytes],
    );
    const artifact = packArtifact(new Map(own));
    const bundle = await signWithDeveloperKey(hub.folder, artifact);
    await hub.plugins.install({ artifact, bundle });
    copies.push(pluginId(id));
  }
  return copies;
}
