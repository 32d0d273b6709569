#!/usr/bin/env node
// The `hub` command on any Node: hands over to the Node that package.json pins.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('./main.ts', import.meta.url));
const pinned = fileURLToPath(new URL('../../../node_modules/.bin/node', import.meta.url));

if (Number(process.versions.node.split('.')[0]) >= 24) {
  await import('./main.ts');
} else if (existsSync(pinned)) {
  const child = spawnSync(pinned, [main, ...process.argv.slice(2)], { stdio: 'inherit' });
  process.exitCode = child.status ?? 1;
} else {
  console.error('hub: not set up yet. Run this first, in the clone: npm start');
  process.exitCode = 1;
}
