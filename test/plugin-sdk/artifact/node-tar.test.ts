import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packArtifact } from '@runtime-hub/plugin-sdk/artifact';
import { extract } from 'tar';
import { expect, test } from 'vitest';

test('what is packed is a tar that other programs read the same', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'artifact-'));
  try {
    const files = new Map([
      ['manifest.json', Buffer.from('{}\n')],
      ['plugin.js', Buffer.from('export default {};\n'.repeat(100))],
      ['vendor/data.bin', Buffer.alloc(70_000, 7)],
    ]);
    writeFileSync(join(folder, 'a.tgz'), packArtifact(files));
    await extract({ file: join(folder, 'a.tgz'), cwd: folder, strict: true, strip: 1 });
    for (const [path, bytes] of files)
      expect(readFileSync(join(folder, path)).equals(bytes)).toBe(true);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
