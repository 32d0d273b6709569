import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import { COMMON_OPTIONS, print, usage, type Command } from '../output.ts';
import { pluginFolder } from '../project.ts';

const HELP = `hub-plugin test [folder] [-- <options of the runner>]

Runs the plugin's tests: with vitest when the folder has it, else with Node's own runner on test/**/*.test.ts, for
Python with unittest on test/test_*.py. testNode and fakeBroker of @runtime-hub/plugin-sdk/testing make the checks a
hub makes. No network is needed. Exit code 1 when a test fails.`;

const PYTHON = fileURLToPath(new URL('../../python', import.meta.url));

export const testCommand: Command = {
  name: 'test',
  summary: 'run the plugin’s tests',
  help: HELP,
  async run(args) {
    const split = args.includes('--') ? args.indexOf('--') : args.length;
    const { values, positionals } = parseArgs({
      args: args.slice(0, split),
      options: COMMON_OPTIONS,
      allowPositionals: true,
    });
    const folder = pluginFolder(positionals[0]);
    const runner = runnerOf(folder, args.slice(split + 1));
    const started = performance.now();
    const code = await run(runner, folder, values.json);
    const ms = Math.round(performance.now() - started);
    if (values.json) print({ runner: runner.name, passed: code === 0, ms }, true, () => '');
    return code === 0 ? 0 : 1;
  },
};

interface Runner {
  readonly name: 'vitest' | 'node' | 'unittest';
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

function runnerOf(folder: string, more: readonly string[]): Runner {
  if (existsSync(join(folder, 'plugin.py'))) {
    requireTests(folder, 'test/test_*.py');
    const path = [PYTHON, folder].join(delimiter);
    return {
      name: 'unittest',
      program: 'python3',
      args: ['-m', 'unittest', 'discover', '-s', 'test', ...more],
      env: { PYTHONPATH: path, PYTHONDONTWRITEBYTECODE: '1' },
    };
  }
  const vitest = join(folder, 'node_modules/vitest/vitest.mjs');
  if (existsSync(vitest))
    return { name: 'vitest', program: process.execPath, args: [vitest, 'run', ...more], env: {} };
  const files = requireTests(folder, 'test/**/*.test.ts');
  return { name: 'node', program: process.execPath, args: ['--test', ...more, ...files], env: {} };
}

function requireTests(folder: string, pattern: string): readonly string[] {
  const files = globSync(pattern, { cwd: folder }).toSorted();
  if (files.length > 0) return files;
  throw usage(
    'folder',
    folder,
    `There are no tests: write one as ${pattern.replaceAll('**/', '')}.`,
  );
}

/** The runner's own words go to standard error with --json, so that standard output stays JSON. */
async function run(runner: Runner, folder: string, asJson: boolean): Promise<number> {
  const { NODE_TEST_CONTEXT: _outer, ...env } = process.env;
  const child = spawn(runner.program, runner.args, {
    cwd: folder,
    env: { ...env, ...runner.env },
    stdio: ['ignore', asJson ? 2 : 'inherit', 'inherit'],
  });
  await once(child, 'close').catch((error: unknown) => {
    throw usage(
      'runner',
      runner.program,
      error instanceof Error ? error.message : 'It does not start.',
    );
  });
  return child.exitCode ?? 1;
}
