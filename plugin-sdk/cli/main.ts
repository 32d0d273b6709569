import { checkCommand } from './commands/check.ts';
import { devCommand } from './commands/dev.ts';
import { keysCommand } from './commands/keys.ts';
import { loginCommand } from './commands/login.ts';
import { namespacesCommand } from './commands/namespaces.ts';
import { newCommand } from './commands/new.ts';
import { packCommand } from './commands/pack.ts';
import { publishCommand } from './commands/publish.ts';
import { signCommand } from './commands/sign.ts';
import { stateCommand } from './commands/state.ts';
import { testCommand } from './commands/test.ts';
import { verifyCommand } from './commands/verify.ts';
import { printError, type Command } from './output.ts';

const COMMANDS: ReadonlyMap<string, Command> = new Map(
  [
    newCommand,
    devCommand,
    checkCommand,
    testCommand,
    packCommand,
    signCommand,
    verifyCommand,
    loginCommand,
    namespacesCommand,
    publishCommand,
    stateCommand,
    keysCommand,
  ].map((command) => [command.name, command]),
);

function help(): string {
  const lines = [...COMMANDS.values()].map((it) => `  ${it.name.padEnd(11)} ${it.summary}`);
  return [
    'hub-plugin — makes plugins for Runtime Hub: write, check, test, sign, publish',
    '',
    'Usage: hub-plugin <command> [options]',
    '',
    ...lines,
    '',
    'Options of every command:',
    '  --json   answer as JSON on standard output, errors as JSON on standard error',
    '  --help   what a command does and takes',
    '',
    'First time? hub-plugin new hello && cd hello && npm test — then see README.md there.',
    'Exit codes: 0 done · 1 it failed · 2 the command line or a file was wrong',
  ].join('\n');
}

async function main(argv: readonly string[]): Promise<number> {
  const [name = '--help', ...rest] = argv;
  if (name === '--help' || name === '-h' || name === 'help') {
    console.log(help());
    return 0;
  }
  const command = COMMANDS.get(name);
  if (command === undefined) {
    console.error(`hub-plugin: there is no command “${name}”. See: hub-plugin --help`);
    return 2;
  }
  // What follows `--` is for the runner of the tests.
  const own = rest.includes('--') ? rest.slice(0, rest.indexOf('--')) : rest;
  if (own.includes('--help') || own.includes('-h')) {
    console.log(command.help);
    return 0;
  }
  try {
    return await command.run(rest);
  } catch (error) {
    return printError(error, own.includes('--json'));
  }
}

process.exitCode = await main(process.argv.slice(2));
