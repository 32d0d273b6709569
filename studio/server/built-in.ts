import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { HubError } from '@runtime-hub/plugin-sdk/contract';
import { fileURLToPath } from 'node:url';
import { packPlugin } from '@runtime-hub/plugin-sdk/cli';
import { signWithDeveloperKey } from './store/keys.ts';

/** An artifact and the bundle that vouches for it, as bytes and as text. */
export interface Release {
  readonly artifact: Uint8Array;
  readonly bundle: string;
}

/**
 * Finds what `source` names: an artifact file with its bundle beside it (`x.tgz`, `x.tgz.bundle.json`), or a built-in
 * plugin such as `core/flow`, which is packed from its source and signed with this hub's developer key.
 */
export async function findRelease(folder: string, source: string): Promise<Release> {
  const builtIn = builtInFolder(source);
  if (builtIn !== null) {
    const artifact = await packPlugin(builtIn);
    return { artifact, bundle: await signWithDeveloperKey(folder, artifact) };
  }
  const bundleFile = `${source}.bundle.json`;
  if (!existsSync(source) || !existsSync(bundleFile))
    throw new HubError('ARTIFACT_NOT_FOUND', { source });
  return { artifact: await readFile(source), bundle: await readFile(bundleFile, 'utf8') };
}

function builtInFolder(source: string): string | null {
  if (!/^core\/[a-z-]+$/u.test(source)) return null;
  const path = fileURLToPath(new URL(`../../plugins/${source.replace('/', '-')}`, import.meta.url));
  return existsSync(path) ? path : null;
}
