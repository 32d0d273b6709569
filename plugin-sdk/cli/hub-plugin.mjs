#!/usr/bin/env node
// The `hub-plugin` command on any Node: hands over to the Node that the SDK was installed with, and starts fast.
import { spawnSync } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import module from 'node:module';
import { fileURLToPath } from 'node:url';

const modules = fileURLToPath(new URL('../../node_modules', import.meta.url));
const pinned = `${modules}/.bin/node`;

if (Number(process.versions.node.split('.')[0]) >= 24) {
  // In the clone, where nobody else writes.
  module.enableCompileCache(`${modules}/.cache/compiled`);
  await import('./main.ts');
} else if (existsSync(pinned)) {
  const self = realpathSync(fileURLToPath(import.meta.url));
  const child = spawnSync(pinned, [self, ...process.argv.slice(2)], { stdio: 'inherit' });
  process.exitCode = child.status ?? 1;
} else {
  console.error(
    'hub-plugin: not set up yet. Run this first, in the clone of Runtime Hub: npm install',
  );
  process.exitCode = 1;
}
