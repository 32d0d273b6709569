import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import type { Release } from '@runtime-hub/plugin-sdk/artifact';
import { HubError } from '@runtime-hub/plugin-sdk/contract';
import { fileURLToPath } from 'node:url';
import { signWithDeveloperKey } from './store/keys.ts';

/**
 * Finds what `source` names: an artifact file with its bundle beside it (`x.tgz`, `x.tgz.bundle.json`), or a built-in
 * plugin such as `core/flow`, which is packed from its source and signed with this hub's developer key.
 */
export async function findRelease(folder: string, source: string): Promise<Release> {
  const builtIn = builtInFolder(source);
  if (builtIn !== null) {
    // The packer is loaded only when it is needed: a hub that installs nothing starts without it.
    const { packPlugin } = await import('@runtime-hub/plugin-sdk/cli');
    const artifact = await packPlugin(builtIn, { extra: extrasOf(source) });
    return { artifact, bundle: await signWithDeveloperKey(folder, artifact) };
  }
  const bundleFile = `${source}.bundle.json`;
  if (!existsSync(source) || !existsSync(bundleFile))
    throw new HubError('ARTIFACT_NOT_FOUND', { source });
  return { artifact: await readFile(source), bundle: await readFile(bundleFile, 'utf8') };
}

/** True when `source` names a file or a built-in plugin, so that no registry is asked for it. */
export const isNamedHere = (source: string): boolean =>
  (isAbsolute(source) && existsSync(source)) || builtInFolder(source) !== null;

/** Debian's tesseract-ocr-eng: as good as the data in core/ocr's own artifact, and nearly twice as fast. */
const FAST_DATA = '/usr/share/tesseract-ocr/5/tessdata/eng.traineddata';

/** What a setting adds to a built-in plugin: RUNTIME_HUB_OCR_DATA names a file, or `packed` for none. */
function extrasOf(source: string): Readonly<Record<string, string>> {
  if (source !== 'core/ocr') return {};
  const set = process.env['RUNTIME_HUB_OCR_DATA'];
  const file = set ?? (existsSync(FAST_DATA) ? FAST_DATA : 'packed');
  return file === 'packed' ? {} : { 'vendor/eng.fast.traineddata': file };
}

function builtInFolder(source: string): string | null {
  if (!/^core\/[a-z-]+$/u.test(source)) return null;
  const path = fileURLToPath(new URL(`../../plugins/${source.replace('/', '-')}`, import.meta.url));
  return existsSync(path) ? path : null;
}
