import { fileURLToPath } from 'node:url';
import { packArtifact, readArtifact } from '@runtime-hub/plugin-sdk/artifact';
import { packPlugin } from '@runtime-hub/plugin-sdk/cli';
import { pluginId, type PluginId } from '@runtime-hub/plugin-sdk/contract';
import type { Hub } from '../../studio/server/hub.ts';
import { signWithDeveloperKey } from '../../studio/server/store/keys.ts';

const FOLDER = fileURLToPath(new URL('../fixtures/plugins/small', import.meta.url));
const ID = 'bench/small';

/** Installs `count` copies of the fixture `small` as `<as>-1`, `<as>-2` …; each is a plugin of its own. */
export async function installCopies(
  hub: Hub,
  as: string,
  count: number,
): Promise<readonly PluginId[]> {
  const { files } = readArtifact(await packPlugin(FOLDER));
  const copies: PluginId[] = [];
  for (let number = 1; number <= count; number += 1) {
    const id = `${as}-${String(number)}`;
    const own = [...files].map(([path, bytes]): [string, Uint8Array] =>
      path === 'plugin.js' || path === 'manifest.json'
        ? [path, Buffer.from(Buffer.from(bytes).toString().replaceAll(ID, id))]
        : [path, bytes],
    );
    const artifact = packArtifact(new Map(own));
    const bundle = await signWithDeveloperKey(hub.folder, artifact);
    await hub.plugins.install({ artifact, bundle });
    copies.push(pluginId(id));
  }
  return copies;
}
