#!/usr/bin/env node
// The `hub` command on any Node: hands over to the Node that package.json pins, and starts fast.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import module from 'node:module';
import { fileURLToPath } from 'node:url';

const modules = fileURLToPath(new URL('../../../node_modules', import.meta.url));
const pinned = `${modules}/.bin/node`;

if (Number(process.versions.node.split('.')[0]) >= 24) {
  // Keeps compiled code, and TypeScript without its types, from one start to the next; in the clone, where nobody else writes.
  module.enableCompileCache(`${modules}/.cache/compiled`);
  await import('./main.ts');
} else if (existsSync(pinned)) {
  const self = fileURLToPath(import.meta.url);
  const child = spawnSync(pinned, [self, ...process.argv.slice(2)], { stdio: 'inherit' });
  process.exitCode = child.status ?? 1;
} else {
  console.error('hub: not set up yet. Run this first, in the clone: npm start');
  process.exitCode = 1;
}
