import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const TEMPLATES = ['isolate', 'process', 'python'] as const;
export type Template = (typeof TEMPLATES)[number];

/** What a template's `{{…}}` are. */
export interface Facts {
  /** `namespace/name`. */
  readonly id: string;
  readonly title: string;
}

const SDK = fileURLToPath(new URL('..', import.meta.url)).replace(/[/\\]$/u, '');
const LICENSE = fileURLToPath(new URL('../../LICENSE', import.meta.url));
/** Packages that the template's types and tests need, from where this SDK has them: so that all works without a network. */
const PACKAGES = ['@types/node', 'typescript'];

/** Writes a new plugin into an empty folder and links the SDK it belongs to. Gives the files it made, sorted. */
export async function writeTemplate(
  folder: string,
  template: Template,
  facts: Facts,
): Promise<readonly string[]> {
  const parts = template === 'python' ? ['common', 'python'] : ['common', 'typescript', template];
  const links = packagesOf(template);
  const words = {
    ...facts,
    name: facts.id.split('/')[1] ?? '',
    devDependencies: dependencies(links),
  };
  const files = new Map<string, string>([['LICENSE', await readFile(LICENSE, 'utf8')]]);
  for (const part of parts) {
    const root = join(SDK, 'templates', part);
    for (const path of await pathsIn(root))
      files.set(nameOf(path), filled(await readFile(join(root, path), 'utf8'), words));
  }
  for (const [path, text] of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text, { flag: 'wx' });
  }
  await link(folder, links);
  return [...files.keys()].sort();
}

async function pathsIn(root: string): Promise<readonly string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries
    .filter((it) => it.isFile())
    .map((it) => relative(root, join(it.parentPath, it.name)));
}

/** `gitignore.tmpl` stands for `.gitignore`, which would count for the templates' own folder. */
const nameOf = (path: string): string =>
  path.replace(/\.tmpl$/u, '').replace(/^gitignore$/u, '.gitignore');

function filled(text: string, words: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\{\{(\w+)\}\}/gu, (_, name: string) => words[name] ?? '');
}

/** Package name → folder. */
function packagesOf(template: Template): ReadonlyMap<string, string> {
  const links = new Map([['@runtime-hub/plugin-sdk', SDK]]);
  for (const name of template === 'python' ? [] : PACKAGES) {
    const folder = join(SDK, '../node_modules', name);
    if (existsSync(folder)) links.set(name, folder);
  }
  return links;
}

function dependencies(links: ReadonlyMap<string, string>): string {
  const entries = [...links].map(([name, folder]) => [name, `file:${folder}`]);
  return JSON.stringify(Object.fromEntries(entries), null, 2).replaceAll('\n', '\n  ');
}

/** The very links that `npm install` makes for `file:` dependencies, so that nobody has to run it. */
async function link(folder: string, links: ReadonlyMap<string, string>): Promise<void> {
  const modules = join(folder, 'node_modules');
  for (const [name, target] of links) {
    await mkdir(dirname(join(modules, name)), { recursive: true });
    await symlink(target, join(modules, name), 'junction');
  }
  await mkdir(join(modules, '.bin'), { recursive: true });
  const bin = '../@runtime-hub/plugin-sdk/cli/hub-plugin.mjs';
  await symlink(bin, join(modules, '.bin/hub-plugin'));
}
