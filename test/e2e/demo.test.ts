import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../support/hub.ts';

const HUB = fileURLToPath(new URL('../../studio/server/cli/hub.mjs', import.meta.url));

test.each([
  ['as it is', []],
  ['at 200 %, with the window moved between readings', ['--scale', '2', '--moving']],
])('the main job, %s: nothing wrong, nothing missed', { timeout: 120_000 }, async (_name, more) => {
  using folder = temporaryFolder('demo');
  const report = join(folder.path, 'report.html');
  const args = [HUB, 'demo', '--json', '--changes', '12', '--report', report, ...more];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  expect(JSON.parse(stdout)).toMatchObject({ changes: 12, wrong: 0, missed: 0 });
});
