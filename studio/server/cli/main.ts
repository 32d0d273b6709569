import { auditCommand } from './audit.ts';
import { doctorCommand } from './doctor.ts';
import { demoCommand } from './demo.ts';
import { printError, type Command } from './output.ts';
import { permissionsCommand } from './permissions.ts';
import { pluginsCommand } from './plugins.ts';
import { logCommand } from './log.ts';
import { registriesCommand } from './registries.ts';
import { runCommand } from './run.ts';
import { runsCommand } from './runs.ts';
import { secretsCommand } from './secrets.ts';
import { startCommand } from './start.ts';

const COMMANDS: ReadonlyMap<string, Command> = new Map(
  [
    startCommand,
    runCommand,
    runsCommand,
    pluginsCommand,
    registriesCommand,
    logCommand,
    permissionsCommand,
    secretsCommand,
    auditCommand,
    doctorCommand,
    demoCommand,
  ].map((command) => [command.name, command]),
);

function help(): string {
  const lines = [...COMMANDS.values()].map((it) => `  ${it.name.padEnd(13)} ${it.summary}`);
  return [
    'hub — workflows from signed, permissioned, jailed plugins',
    '',
    'Usage: hub <command> [options]',
    '',
    ...lines,
    '',
    'Options of every command:',
    '  --data <folder>  the hub’s data folder (default: $RUNTIME_HUB_DATA, else ~/.local/share/runtime-hub)',
    '  --json           answer as JSON on standard output, errors as JSON on standard error',
    '  --help           what a command does and takes',
    '',
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
  const asJson = rest.includes('--json');
  if (command === undefined) {
    console.error(`hub: there is no command “${name}”. See: hub --help`);
    return 2;
  }
  if (rest.includes('--help') || rest.includes('-h')) {
    console.log(command.help);
    return 0;
  }
  try {
    return await command.run(rest);
  } catch (error) {
    return printError(error, asJson);
  }
}

process.exitCode = await main(process.argv.slice(2));
