#!/usr/bin/env node
// Makes a fresh clone ready for one command, then becomes that command. Plain JavaScript for Node 18 and later, because
// it runs before anything is installed. Silent when nothing is missing.
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { COMMANDS, HELP } from './setup/commands.mjs';
import { installDebianPackages } from './setup/debian.mjs';
import { installNpmPackages } from './setup/npm.mjs';
import { ROOT, runStep, runToEnd } from './setup/process.mjs';

const [name = '--help', ...rest] = process.argv.slice(2);
const args = rest[0] === '--' ? rest.slice(1) : rest;
const command = COMMANDS[name];

if (name === '--help' || name === '-h') {
  console.log(HELP);
} else if (command === undefined) {
  console.error(`setup: there is no command “${name}”.\n\n${HELP}`);
  process.exitCode = 2;
} else {
  process.exitCode = await prepareAndRun(command, args);
}

async function prepareAndRun(wanted, forwarded) {
  const env = { ...process.env };
  env.PATH = `${join(ROOT, 'node_modules', '.bin')}${delimiter}${env.PATH ?? ''}`;
  if (!(await installDebianPackages(wanted.debian))) return 1;
  if (!(await installNpmPackages(env))) return 1;
  const pinned = join(ROOT, 'node_modules', '.bin', 'node');
  if (!existsSync(pinned)) {
    console.error('setup: the pinned Node is missing. Delete node_modules and try again.');
    return 1;
  }
  const build = [pinned, 'plugin-sdk/runtime/build.ts'];
  if (!(await runStep('building the plugin runtime', build, { env }))) return 1;
  return await runToEnd(wanted.steps(pinned, forwarded), { env });
}
