import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseManifest, readArtifact } from '@runtime-hub/plugin-sdk/artifact';
import { packPlugin } from '@runtime-hub/plugin-sdk/cli';
import { findPython } from '../../../plugin-sdk/hosting/jail/python.ts';
import { createLauncher } from '../../../plugin-sdk/hosting/jail/launcher.ts';
import { temporaryFolder } from '../../support/hub.ts';

const FIXTURES = join(import.meta.dirname, '../../fixtures/plugins');
const SOURCE = `
from runtime_hub import plugin
plugin(id="acme/xx", version="1.0.0", title="X", description="", engine="*")
`;

test('a folder with plugin.py is packed with all its Python files, the same each time', async () => {
  const first = await packPlugin(join(FIXTURES, 'python-tools'));
  const { files } = readArtifact(first);
  expect([...files.keys()]).toEqual(['LICENSE', 'helpers/texts.py', 'manifest.json', 'plugin.py']);
  const manifest = parseManifest(
    JSON.parse(Buffer.from(files.get('manifest.json') ?? []).toString()),
  );
  expect(manifest).toMatchObject({ runtime: 'python', entry: 'plugin.py', provides: ['ocr.read'] });
  expect(await packPlugin(join(FIXTURES, 'python-tools'))).toEqual(first);
});

test('what is no source stays outside: hidden files, bytecode, other files', async () => {
  using folder = temporaryFolder('pack');
  writeFileSync(join(folder.path, 'plugin.py'), SOURCE);
  for (const name of ['.env.py', 'notes.txt']) writeFileSync(join(folder.path, name), 'secret');
  mkdirSync(join(folder.path, '__pycache__'));
  writeFileSync(join(folder.path, '__pycache__/plugin.py'), 'secret');
  const { files } = readArtifact(await packPlugin(folder.path));
  expect([...files.keys()]).toEqual(['LICENSE', 'manifest.json', 'plugin.py']);
});

test('a source that is a symbolic link is refused', async () => {
  using folder = temporaryFolder('pack');
  writeFileSync(join(folder.path, 'plugin.py'), SOURCE);
  symlinkSync('/etc/hostname', join(folder.path, 'other.py'));
  await expect(packPlugin(folder.path)).rejects.toMatchObject({ code: 'ARTIFACT_MALFORMED' });
});

test('a folder that is two plugins is refused', async () => {
  using folder = temporaryFolder('pack');
  for (const name of ['plugin.py', 'plugin.ts']) writeFileSync(join(folder.path, name), '');
  await expect(packPlugin(folder.path)).rejects.toMatchObject({ code: 'ARTIFACT_MALFORMED' });
});

test('a plugin is evaluated with the files that are packed and no others', async () => {
  using folder = temporaryFolder('pack');
  writeFileSync(join(folder.path, 'notes.txt'), 'secret');
  writeFileSync(join(folder.path, 'plugin.py'), `${SOURCE}\nopen("/plugin/notes.txt")`);
  await expect(packPlugin(folder.path)).rejects.toMatchObject({
    code: 'HOST_LOAD_FAILED',
    data: { message: expect.stringContaining('FileNotFoundError') },
  });
});

test.each([
  ['process', 'plugin.py'],
  ['python', 'plugin.js'],
])('a manifest whose runtime is %s does not start with %s', async (runtime, entry) => {
  const { files } = readArtifact(await packPlugin(join(FIXTURES, 'python-words')));
  const manifest: unknown = JSON.parse(Buffer.from(files.get('manifest.json') ?? []).toString());
  const changed = { ...(manifest as object), runtime, entry };
  expect(() => parseManifest(changed)).toThrow(
    expect.objectContaining({
      code: 'MANIFEST_INVALID',
      data: { problems: [expect.objectContaining({ at: '/entry' })] },
    }),
  );
});

test.each([
  ['is not there', '/nowhere/python3', /there is no \/nowhere\/python3 .*apt-get install python3/u],
  ['does not start', '/bin/false', /\/bin\/false does not start/u],
])('an interpreter that %s is refused by name', async (_how, program, detail) => {
  const unavailable = { code: 'JAIL_UNAVAILABLE', data: { detail: expect.stringMatching(detail) } };
  await expect(findPython(program)).rejects.toMatchObject(unavailable);
  const launcher = createLauncher({ minIsolation: 'strong', python: program });
  const limits = { memoryMb: 64, entryMs: 200, openFiles: 128, processes: 1 };
  const spec = { host: 'x', runtime: 'python', plugin: null, blobs: null, limits } as const;
  await expect(launcher.launch(spec)).rejects.toMatchObject(unavailable);
});

test('the jail shows the standard library and nothing that was installed besides', async () => {
  const view = await findPython();
  expect(view.program).toMatch(/^\/usr\/bin\/python3/u);
  expect(view.folders.some((folder) => /(site|dist)-packages/u.test(folder))).toBe(false);
});
