import { chmodSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { packPlugin } from '@runtime-hub/plugin-sdk/cli';
import { digestOf, packArtifact, readArtifact } from '@runtime-hub/plugin-sdk/artifact';
import { createBus } from '@runtime-hub/kernel';
import { openTrust, signWithDeveloperKey } from '../../studio/server/store/keys.ts';
import { versionFolder } from '../../studio/server/store/plugin-files.ts';
import { openPluginStore, type PluginStore } from '../../studio/server/store/plugin-store.ts';
import { systemClock } from '../../studio/server/system.ts';
import { temporaryFolder } from '../support/hub.ts';

const FLOW = fileURLToPath(new URL('../../plugins/core-flow', import.meta.url));

let artifact: Uint8Array;
beforeAll(async () => {
  artifact = await packPlugin(FLOW);
});

async function openAt(folder: string): Promise<PluginStore> {
  return await openPluginStore({
    folder,
    policy: openTrust(folder),
    hubVersion: '1.0.0',
    events: createBus({ clock: systemClock }),
    now: () => systemClock.now(),
  });
}

/** The artifact with some of its files replaced, packed anew. */
function changed(change: (files: Map<string, Uint8Array>) => void): Uint8Array {
  const files = new Map(readArtifact(artifact).files);
  change(files);
  return packArtifact(files);
}

const otherVersion = (): Uint8Array =>
  changed((files) => {
    const manifest = Buffer.from(files.get('manifest.json') ?? []).toString();
    files.set(
      'manifest.json',
      Buffer.from(manifest.replace('"version": "1.0.0"', '"version": "1.0.1"')),
    );
  });

describe('at install', () => {
  const cases: readonly (readonly [
    string,
    string,
    (folder: string) => Promise<[Uint8Array, string]>,
  ])[] = [
    [
      'a byte changed in the artifact',
      'ARTIFACT_MALFORMED',
      async (folder) => {
        const bytes = Uint8Array.from(artifact);
        bytes[bytes.length - 6] = (bytes.at(-6) ?? 0) ^ 1;
        return [bytes, await signWithDeveloperKey(folder, artifact)];
      },
    ],
    [
      'another file inside',
      'ARTIFACT_DIGEST_MISMATCH',
      async (folder) => {
        const bytes = changed((files) => files.set('README.md', Buffer.from('other')));
        return [bytes, await signWithDeveloperKey(folder, artifact)];
      },
    ],
    [
      'a bundle of another version',
      'SIGNATURE_SUBJECT_MISMATCH',
      async (folder) => [artifact, await signWithDeveloperKey(folder, otherVersion())],
    ],
    [
      'a byte changed in the signature',
      'SIGNATURE_INVALID',
      async (folder) => {
        const bundle = JSON.parse(await signWithDeveloperKey(folder, artifact)) as {
          dsseEnvelope: { signatures: { sig: string }[] };
        };
        const [signature] = bundle.dsseEnvelope.signatures;
        if (signature === undefined) throw new Error('The bundle has no signature.');
        const bytes = Buffer.from(signature.sig, 'base64');
        bytes[5] = (bytes[5] ?? 0) ^ 1;
        signature.sig = bytes.toString('base64');
        return [artifact, JSON.stringify(bundle)];
      },
    ],
    [
      'a bundle that is no JSON',
      'SIGNATURE_MALFORMED',
      async () => await Promise.resolve([artifact, '{"mediaType":']),
    ],
    [
      'another publisher’s key',
      'PUBLISHER_UNTRUSTED',
      async () => {
        using other = temporaryFolder('publisher');
        openTrust(other.path);
        return [artifact, await signWithDeveloperKey(other.path, artifact)];
      },
    ],
  ];

  test.each(cases)('%s is refused as %s', async (_name, code, make) => {
    using folder = temporaryFolder('tampering');
    const store = await openAt(folder.path);
    const [bytes, bundle] = await make(folder.path);
    await expect(store.install({ artifact: bytes, bundle })).rejects.toMatchObject({ code });
    expect(store.list()).toEqual([]);
    expect((await openAt(folder.path)).refused()).toEqual([]);
  });
});

describe('at the next start', () => {
  const place = (folder: string, file: string): string =>
    join(versionFolder(join(folder, 'plugins'), digestOf(artifact)), file);
  const flip = (file: string): void => {
    const bytes = readFileSync(file);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    chmodSync(file, 0o600);
    writeFileSync(file, bytes);
  };

  test.each([
    ['the artifact', 'artifact.tgz', 'ARTIFACT_MALFORMED'],
    ['an installed file', 'files/plugin.js', 'ARTIFACT_FILE_MISMATCH'],
    ['the installed manifest', 'files/manifest.json', 'ARTIFACT_FILE_MISMATCH'],
  ])('a byte changed in %s is found', async (_name, file, code) => {
    using folder = temporaryFolder('tampering');
    const first = await openAt(folder.path);
    await first.install({ artifact, bundle: await signWithDeveloperKey(folder.path, artifact) });
    expect((await openAt(folder.path)).list()).toHaveLength(1);
    flip(place(folder.path, file));
    const next = await openAt(folder.path);
    expect(next.list()).toEqual([]);
    expect(next.refused()).toMatchObject([{ id: 'core/flow', error: { code } }]);
  });

  test('a file that was added is found', async () => {
    using folder = temporaryFolder('tampering');
    const first = await openAt(folder.path);
    await first.install({ artifact, bundle: await signWithDeveloperKey(folder.path, artifact) });
    writeFileSync(place(folder.path, 'files/more.js'), '');
    expect((await openAt(folder.path)).refused()).toMatchObject([
      { error: { code: 'ARTIFACT_FILE_MISMATCH' } },
    ]);
    expect(readdirSync(join(folder.path, 'plugins'))).toEqual(['.records.json', '.versions']);
  });
});

test('the same folder packs to the same bytes', async () => {
  expect(Buffer.compare(await packPlugin(FLOW), artifact)).toBe(0);
});
