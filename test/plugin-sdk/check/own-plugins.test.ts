import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseManifest, readArtifact } from '@runtime-hub/plugin-sdk/artifact';
import { checkArtifact } from '@runtime-hub/plugin-sdk/check';
import { packPlugin } from '@runtime-hub/plugin-sdk/cli';
import { expect, test } from 'vitest';

const PLUGINS = join(import.meta.dirname, '../../../plugins');

test.each(readdirSync(PLUGINS))('our own %s breaks no rule that refuses', async (name) => {
  const artifact = readArtifact(await packPlugin(join(PLUGINS, name)));
  const manifest = parseManifest(
    JSON.parse(Buffer.from(artifact.files.get('manifest.json') ?? []).toString()),
  );
  const errors = checkArtifact(artifact, manifest).filter((it) => it.severity === 'error');
  expect(errors).toEqual([]);
});
