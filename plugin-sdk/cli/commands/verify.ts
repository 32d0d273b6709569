import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { unboundedKey, verifyUnlogged } from '../../artifact/index.ts';
import { HubError } from '../../contract/index.ts';
import { listKeys } from '../keys/key-store.ts';
import { COMMON_OPTIONS, print, usage, type Command } from '../output.ts';
import { bundleFile } from '../project.ts';

const HELP = `hub-plugin verify <artifact.tgz> [--bundle <file>] [--key <file>]

Verifies that the bundle beside the artifact (<artifact>.bundle.json) was signed over exactly these bytes, this manifest
and these files, by one of your own keys, or by the key whose public part --key names (what hub-plugin keys export
prints). Works without a network. A hub verifies more: the registry's receipt and its own trust policy.`;

export const verifyCommand: Command = {
  name: 'verify',
  summary: 'verify an artifact and its bundle',
  help: HELP,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { ...COMMON_OPTIONS, bundle: { type: 'string' }, key: { type: 'string' } },
      allowPositionals: true,
    });
    const [file] = positionals;
    if (file === undefined) throw usage('artifact', undefined, 'Name an artifact, dist/….tgz.');
    const bundle = values.bundle ?? bundleFile(file);
    for (const source of [file, bundle])
      if (!existsSync(source)) throw new HubError('ARTIFACT_NOT_FOUND', { source });
    const keys = values.key === undefined ? ownKeys() : keyIn(values.key);
    const verified = verifyUnlogged(await readFile(file), await readFile(bundle, 'utf8'), {
      keys: new Map([...keys].map(([hint, spki]) => [hint, unboundedKey(spki)])),
    });
    const { id, version } = verified.manifest;
    const result = { id, version, digest: verified.digest, publisher: verified.publisher };
    print(result, values.json, () =>
      [
        `${id} ${version} is exactly what ${verified.publisher} signed.`,
        `  ${String(verified.files.size)} files, ${verified.digest}`,
      ].join('\n'),
    );
    return 0;
  },
};

const ownKeys = (): ReadonlyMap<string, string> =>
  new Map(listKeys().map(({ hint, spki }) => [hint, spki]));

/** The public part in a file: hint → base64 DER. */
function keyIn(file: string): ReadonlyMap<string, string> {
  const wrong = usage('--key', file, 'Give a file with what hub-plugin keys export prints.');
  if (!existsSync(file)) throw wrong;
  try {
    // SAFETY: both fields are checked before they are believed.
    const { hint, spki } = JSON.parse(readFileSync(file, 'utf8')) as Readonly<
      Record<string, unknown>
    >;
    if (typeof hint === 'string' && typeof spki === 'string') return new Map([[hint, spki]]);
  } catch {
    // Not JSON: told below.
  }
  throw wrong;
}
