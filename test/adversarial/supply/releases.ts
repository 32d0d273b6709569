import { packArtifact, readArtifact } from '@runtime-hub/plugin-sdk/artifact';
import type { Json } from '@runtime-hub/plugin-sdk/contract';
import { signWithDeveloperKey } from '../../../studio/server/store/keys.ts';
import { artifactOf, type Arena } from '../arena/arena.ts';
import type { PluginAttack } from '../arena/attack.ts';

/** A plugin without fault, to be changed. */
export const HONEST: PluginAttack = {
  name: 'honest',
  runtime: 'isolate',
  code: '() => ({ out: 1 })',
  expect: { out: 1 },
};

export type Files = Map<string, Uint8Array>;
export type Manifest = Record<string, Json>;

/** Has the hub install a plugin whose files were changed before it was signed; the id it got. */
export async function installChanged(
  arena: Arena,
  change: (files: Files) => void,
): Promise<string> {
  const files = new Map(readArtifact(artifactOf('hostile/changed', HONEST)).files);
  change(files);
  const artifact = packArtifact(files);
  const bundle = await signWithDeveloperKey(arena.hub.folder, artifact);
  const { manifest } = await arena.hub.plugins.install({ artifact, bundle });
  return manifest.id;
}

/** Changes the manifest among the files. */
export const manifestIn = (change: (manifest: Manifest) => void) => (files: Files) => {
  const manifest = JSON.parse(Buffer.from(files.get('manifest.json') ?? []).toString()) as Manifest;
  change(manifest);
  files.set('manifest.json', Buffer.from(JSON.stringify(manifest)));
};

/** Signs a plugin and has the hub install it. */
export async function put(arena: Arena, id: string, attack: PluginAttack): Promise<void> {
  const artifact = artifactOf(id, attack);
  const bundle = await signWithDeveloperKey(arena.hub.folder, artifact);
  await arena.hub.plugins.install({ artifact, bundle });
}
