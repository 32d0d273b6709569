import { existsSync, readdirSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { basename, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { NAMESPACE_PATTERN, PLUGIN_ID_PATTERN } from '../../contract/index.ts';
import { listKeys } from '../keys/key-store.ts';
import { COMMON_OPTIONS, print, usage, type Command } from '../output.ts';
import { TEMPLATES, writeTemplate, type Template } from '../template.ts';

const HELP = `hub-plugin new [folder] [--template isolate|process|python] [--id <namespace>/<name>]

Makes a plugin that works: code, a test, README.md, LICENSE, icon.svg. It asks nothing. The name is the folder's, the
namespace that of your newest signing key (hub-plugin keys), else your user name; --id says both.
  isolate   JavaScript in a V8 isolate; starts fastest, touches nothing (the default)
  process   Node.js in a jailed process, with Node's modules
  python    Python 3 in a jailed process
npm test works at once and without a network: the SDK is linked from where this command is.`;

export const newCommand: Command = {
  name: 'new',
  summary: 'make a new plugin',
  help: HELP,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: {
        ...COMMON_OPTIONS,
        template: { type: 'string', default: 'isolate' },
        id: { type: 'string' },
      },
      allowPositionals: true,
    });
    const template = templateOf(values.template);
    const folder = emptyFolder(positionals[0] ?? '.');
    const id = idOf(values.id, basename(folder));
    await mkdir(folder, { recursive: true });
    const files = await writeTemplate(folder, template, { id, title: titleOf(id) });
    print({ id, folder, template, files }, values.json, () => nextSteps(id, folder, files));
    return 0;
  },
};

function templateOf(name: string): Template {
  const template = TEMPLATES.find((it) => it === name);
  if (template === undefined) throw usage('--template', name, `Use ${TEMPLATES.join(', ')}.`);
  return template;
}

function emptyFolder(named: string): string {
  const folder = resolve(named);
  const isFree = !existsSync(folder) || readdirSync(folder).every((name) => name === '.git');
  if (!isFree) throw usage('folder', named, 'It is not empty; name a new one.');
  return folder;
}

function idOf(given: string | undefined, folderName: string): string {
  const id = given ?? `${guessedNamespace()}/${wordOf(folderName) ?? 'plugin'}`;
  if (new RegExp(PLUGIN_ID_PATTERN, 'u').test(id)) return id;
  throw usage(
    '--id',
    id,
    'Give namespace/name: small letters, digits and hyphens, e.g. acme/hello.',
  );
}

function guessedNamespace(): string {
  const word = wordOf(userInfo().username);
  // Nobody is called root, and `core` is the hub's own.
  const isName = word !== null && word !== 'root' && word !== 'core';
  return listKeys()[0]?.namespace ?? (isName ? word : 'me');
}

/** The nearest word that a namespace or name may be; null when there is none. */
function wordOf(text: string): string | null {
  const word = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/gu, '-')
    .replaceAll(/^[^a-z]+|-+$/gu, '')
    .slice(0, 39);
  return new RegExp(NAMESPACE_PATTERN, 'u').test(word) ? word : null;
}

function titleOf(id: string): string {
  const words = (id.split('/')[1] ?? '').replaceAll('-', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function nextSteps(id: string, folder: string, files: readonly string[]): string {
  const where = relative(process.cwd(), folder);
  return [
    `Made ${id}: ${files.join(', ')}.`,
    '',
    'Next:',
    ...(where === '' ? [] : [`  cd ${where}`]),
    '  npm test             runs its tests',
    '  hub-plugin check     tells what a registry would say',
    '  hub-plugin dev       loads it into a running hub (hub start --dev), again at each change',
    '  hub-plugin publish   packs, checks, signs and publishes it',
  ].join('\n');
}
