import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packArtifact, parseManifest } from '../artifact/index.ts';
import { HubError, type Json } from '../contract/index.ts';
import { bundlePlugin } from './bundle-plugin.ts';
import { withStablePaths } from './stable-paths.ts';
import { derivePythonManifest, isPythonPlugin, pythonSources } from './python-plugin.ts';
import { deriveManifest } from '../runtime/derive-manifest.ts';

/** The text of Apache-2.0, for plugins under it that bring none. */
const APACHE = fileURLToPath(new URL('../../LICENSE', import.meta.url));
/** What a plugin's folder may hold besides its code. */
const PAGES = ['README.md', 'CHANGELOG.md', 'LICENSE', 'icon.svg'];

/**
 * Packs a plugin's folder (plugin.ts or plugin.py, README.md, optional CHANGELOG.md, LICENSE, icon.svg and vendor.json) into an artifact. Its
 * manifest comes from evaluating the very code that is packed. The same folder always gives the same bytes. `extra` maps
 * further paths in the artifact to files of this machine.
 * Throws ARTIFACT_NOT_FOUND, HOST_LOAD_FAILED or MANIFEST_INVALID; for Python also ARTIFACT_MALFORMED and JAIL_UNAVAILABLE.
 */
export async function packPlugin(
  folder: string,
  { extra = {} }: { readonly extra?: Readonly<Record<string, string>> } = {},
): Promise<Uint8Array> {
  const code = isPythonPlugin(folder) ? await pythonCode(folder) : await javaScriptCode(folder);
  const manifest = parseManifest(code.manifest);
  const files = new Map<string, Uint8Array>([
    ...code.files,
    ['manifest.json', Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`)],
  ]);
  for (const name of PAGES) {
    const file = join(folder, name);
    if (existsSync(file)) files.set(name, await readFile(file));
  }
  if (!files.has('LICENSE') && manifest.license === 'Apache-2.0')
    files.set('LICENSE', await readFile(APACHE));
  for (const [path, source] of [...(await vendored(folder)), ...Object.entries(extra)]) {
    if (!existsSync(source)) throw new HubError('ARTIFACT_NOT_FOUND', { source });
    files.set(path, await readFile(source));
  }
  return packArtifact(files);
}

interface Code {
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly manifest: Json;
}

async function javaScriptCode(folder: string): Promise<Code> {
  if (!existsSync(join(folder, 'plugin.ts')))
    throw new HubError('ARTIFACT_NOT_FOUND', { source: folder });
  const code = withStablePaths(await bundlePlugin(folder), folder);
  const files = new Map([['plugin.js', Buffer.from(code)]]);
  return { files, manifest: await deriveManifest(code) };
}

async function pythonCode(folder: string): Promise<Code> {
  const files = await pythonSources(folder);
  return { files, manifest: await derivePythonManifest(files) };
}

/** `vendor.json` maps a path in the artifact to a file of an npm package, `<package>/<path>`. */
async function vendored(
  folder: string,
): Promise<readonly (readonly [path: string, source: string])[]> {
  const list = join(folder, 'vendor.json');
  if (!existsSync(list)) return [];
  // SAFETY: a file of the plugin's own folder, written by its author; a wrong shape fails at the first use.
  const entries = JSON.parse(await readFile(list, 'utf8')) as Readonly<Record<string, string>>;
  const require = createRequire(resolve(folder, 'plugin.ts'));
  return Object.entries(entries).map(([path, source]) => [path, locate(require, source)] as const);
}

function locate(require: NodeJS.Require, source: string): string {
  for (const base of require.resolve.paths(source) ?? []) {
    const file = join(base, source);
    if (existsSync(file)) return file;
  }
  throw new HubError('ARTIFACT_NOT_FOUND', { source });
}
