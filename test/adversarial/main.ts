import { spawnSync } from 'node:child_process';
import { chownSync, copyFileSync, existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { startVitest } from 'vitest/node';
import { buildRuntime } from '../../plugin-sdk/runtime/build.ts';
import { temporaryFolder } from '../support/hub.ts';
import settings from '../vitest.config.ts';
import { JSON_FILE, TableReporter } from './arena/table.ts';

const HELP = `npm run test:adversarial -- [options] [filter …]

Runs every hostile case of test/adversarial and prints a table. Ends with 0 only when all were run and contained.

  --json <file>   writes the table as JSON too
  --as-user       as root: runs the suite as the user nobody (65534), with a home and a temporary folder of its own`;

/** Runs the suite; a filter is part of a file's path, e.g. \`jail\`. */
async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'string' },
      'as-user': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return console.log(HELP);
  if (values.json !== undefined) process.env[JSON_FILE] = path.resolve(values.json);
  // Here, since the user it may run as need not be able to write into the clone.
  await buildRuntime();
  if (values['as-user']) process.exitCode = runAsNobody(positionals);
  else await runSuite(positionals);
}

const NOBODY = 65_534;

/** Starts the suite anew without any of root's rights; its exit code. Throws when this is not root. */
function runAsNobody(filters: readonly string[]): number {
  if (process.getuid?.() !== 0) throw new Error('Only root can become another user.');
  using folder = temporaryFolder('nobody');
  const home = path.join(folder.path, 'home');
  const temporary = path.join(folder.path, 'tmp');
  chownSync(folder.path, NOBODY, NOBODY);
  for (const it of [home, temporary]) {
    mkdirSync(it, { mode: 0o700 });
    chownSync(it, NOBODY, NOBODY);
  }
  const env = { PATH: process.env['PATH'], HOME: home, TMPDIR: temporary, LANG: 'C.UTF-8' };
  const become = ['--reuid', NOBODY, '--regid', NOBODY, '--clear-groups', '--inh-caps=-all'];
  const argv = [...become.map(String), process.execPath, import.meta.filename, ...filters];
  const json = process.env[JSON_FILE];
  // Written where that user may write, and then brought to where it was asked for.
  const theirs = path.join(temporary, 'table.json');
  if (json !== undefined) argv.push('--json', theirs);
  const { status } = spawnSync('setpriv', argv, { env, stdio: 'inherit' });
  if (json !== undefined && existsSync(theirs)) copyFileSync(theirs, json);
  return status ?? 1;
}

async function runSuite(filters: readonly string[]): Promise<void> {
  const suite = filters.length === 0 ? ['adversarial/'] : filters.map((it) => `adversarial/${it}`);
  // By value: loading the file, and remembering past runs, would write into a clone that need not be the user's own.
  const vitest = await startVitest('test', suite, {
    ...settings.test,
    config: false,
    cache: false,
    fsModuleCache: false,
    watch: false,
    reporters: [new TableReporter()],
  });
  await vitest.close();
}

await main();
