import { existsSync, globSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = resolve(import.meta.dirname, '..');
const WORKSPACES = ['kernel', 'plugin-sdk', 'plugins', 'registry', 'studio'];

interface Import {
  readonly file: string;
  /** A path within the repository for what is ours, else the package or `node:` name. */
  readonly to: string;
}

const IMPORT =
  /^\s*(?:import|export)\s(?:[^'"`;]*?\sfrom\s)?\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/gmu;

const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
const files = globSync(
  WORKSPACES.map((it) => `${it}/**/*.ts`),
  { cwd: ROOT, exclude: (name) => name === 'node_modules' || name === 'dist' },
).filter((file) => !/(^|\/)(node_modules|dist)\//u.test(file));
const sources = new Map(files.map((file) => [file, read(file)]));
const imports = [...sources].flatMap(([file, text]) => importsOf(file, text));

function importsOf(file: string, text: string): readonly Import[] {
  return [...text.matchAll(new RegExp(IMPORT))].map((match) => ({
    file,
    to: targetOf(file, match[1] ?? match[2] ?? ''),
  }));
}

function targetOf(file: string, specifier: string): string {
  if (specifier.startsWith('.')) {
    return relative(ROOT, resolve(ROOT, dirname(file), specifier));
  }
  const ours = /^@runtime-hub\/(plugin-sdk|kernel|registry|studio)(?:\/(.+))?$/u.exec(specifier);
  if (ours === null) {
    if (specifier.startsWith('node:')) return specifier;
    return specifier
      .split('/')
      .slice(0, specifier.startsWith('@') ? 2 : 1)
      .join('/');
  }
  const main = ours[1] === 'plugin-sdk' ? 'author/index.ts' : 'index.ts';
  return `${String(ours[1])}/${ours[2] === undefined ? main : `${ours[2]}/index.ts`}`;
}

/** The layer a path belongs to: two folders deep, for a plugin its id. */
const layerOf = (path: string): string =>
  path
    .split('/')
    .slice(0, path.startsWith('kernel/') ? 1 : 2)
    .join('/');
const isOurs = (path: string): boolean => WORKSPACES.some((it) => path.startsWith(`${it}/`));

/** Who may import whom, besides itself; ARCHITECTURE.md section 3 and ADR 4. */
const SDK = [
  'contract',
  'author',
  'artifact',
  'check',
  'expression',
  'runtime',
  'schema',
  'hosting',
  'testing',
  'x11',
].map((it) => `plugin-sdk/${it}`);
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  'plugin-sdk/contract': [],
  'plugin-sdk/author': ['plugin-sdk/contract'],
  // What authors declare schemas with.
  'plugin-sdk/schema': [],
  'plugin-sdk/artifact': ['plugin-sdk/contract'],
  // The rules for what is published, for authors and registries; a hub does without them.
  'plugin-sdk/check': ['plugin-sdk/contract'],
  // The child side evaluates what authors wrote, so it knows the author's types.
  'plugin-sdk/runtime': ['plugin-sdk/contract', 'plugin-sdk/author'],
  // CEL in workflows, for the kernel and for authors' checks.
  'plugin-sdk/expression': ['plugin-sdk/contract'],
  // The hub's end of a host: its jail, its process, its channel.
  'plugin-sdk/hosting': ['plugin-sdk/contract', 'plugin-sdk/runtime'],
  'plugin-sdk/x11': ['plugin-sdk/contract'],
  'plugin-sdk/testing': SDK,
  'plugin-sdk/cli': SDK,
  kernel: ['plugin-sdk/contract', 'plugin-sdk/expression', 'plugin-sdk/hosting'],
  'registry/': ['plugin-sdk/contract', 'plugin-sdk/artifact', 'plugin-sdk/check'],
  'studio/server': [
    'kernel',
    'registry/client',
    'plugin-sdk/contract',
    'plugin-sdk/artifact',
    'plugin-sdk/hosting',
  ],
  'studio/web': ['plugin-sdk/contract'],
};
/** Departures from the table, and why. */
const EXCEPTIONS: ReadonlyMap<string, string> = new Map([
  ['studio/server -> plugin-sdk/cli', 'a clone packs and signs its built-in plugins at first use'],
]);

function mayImport(from: string, to: string): boolean {
  if (from === to) return true;
  if (EXCEPTIONS.has(`${from} -> ${to}`)) return true;
  if (from.startsWith('plugins/')) return SDK.includes(to);
  // The client goes into hubs and authors' tools, so it stands on its own, but for how a root of trust is read.
  if (from === 'registry/client' && to === 'registry/tuf') return true;
  if (from.startsWith('registry/') && to.startsWith('registry/')) return from !== 'registry/client';
  const allowed = from.startsWith('registry/') ? ALLOWED['registry/'] : ALLOWED[from];
  return allowed?.includes(to) ?? false;
}

test('every layer imports only the layers below it', () => {
  const broken = imports
    .filter(({ to }) => isOurs(to))
    .filter(({ file, to }) => !mayImport(layerOf(file), layerOf(to)));
  expect(broken).toEqual([]);
});

test('the kernel is entered only by its index, and reaches only the entry of other packages', () => {
  const broken = imports
    .filter(
      ({ file, to }) => layerOf(file).split('/')[0] !== layerOf(to).split('/')[0] && isOurs(to),
    )
    .filter(({ to }) => !to.endsWith('/index.ts'));
  expect(broken).toEqual([]);
});

/** Packages that several folders of one workspace may import, and why. */
const SHARED_PACKAGES: Readonly<Record<string, string>> = {
  typebox: 'one declaration of type and schema, in contract and author (ADR 4)',
  ajv: 'each side of a port validates for itself: the contract’s guards and the runtime’s',
  esbuild: 'bundles the runtime, and plugins when they are packed',
  semver: 'versions are compared where they are read',
  hono: 'the routes and the server that mounts them',
};

test('each third-party package is imported by one folder of a workspace', () => {
  const users = new Map<string, Set<string>>();
  for (const { file, to } of imports) {
    if (isOurs(to) || to.startsWith('node:') || SHARED_PACKAGES[to] !== undefined) continue;
    const workspace = file.startsWith('plugins/') ? layerOf(file) : file.split('/')[0];
    const key = `${String(workspace)}: ${to}`;
    users.set(key, (users.get(key) ?? new Set()).add(dirname(file)));
  }
  const spread = [...users].filter(([, folders]) => folders.size > 1);
  expect(spread.map(([key, folders]) => [key, [...folders]])).toEqual([]);
});

test('only plugins and settings have default exports', () => {
  const withDefault = [...sources]
    .filter(([, text]) => /^export default\b/mu.test(text))
    .map(([file]) => file)
    .filter((file) => !/^plugins\/[^/]+\/plugin\.ts$|\.config\.ts$/u.test(file));
  expect(withDefault).toEqual([]);
});

test('no folder depends on itself through another', () => {
  const edges = new Map<string, Set<string>>();
  for (const { file, to } of imports) {
    const [from, target] = [unitOf(file), unitOf(to)];
    if (!isOurs(to) || target === from) continue;
    edges.set(from, (edges.get(from) ?? new Set()).add(target));
  }
  expect(cycleIn(edges)).toBeNull();
});

const parents = new Set(files.map((file) => dirname(dirname(file))));

/** A folder, or the file itself where the folder holds others: an index or a composition root stands above them. */
const unitOf = (path: string): string => (parents.has(dirname(path)) ? path : dirname(path));

function cycleIn(edges: ReadonlyMap<string, ReadonlySet<string>>): readonly string[] | null {
  const done = new Set<string>();
  const visit = (folder: string, path: readonly string[]): readonly string[] | null => {
    if (path.includes(folder)) return [...path.slice(path.indexOf(folder)), folder];
    if (done.has(folder)) return null;
    for (const next of edges.get(folder) ?? []) {
      const cycle = visit(next, [...path, folder]);
      if (cycle !== null) return cycle;
    }
    done.add(folder);
    return null;
  };
  for (const folder of edges.keys()) {
    const cycle = visit(folder, []);
    if (cycle !== null) return cycle;
  }
  return null;
}

test('the visible top level is the fixed list', () => {
  const made = new Set(['node_modules', 'demo-report.html', 'coverage']);
  const visible = readdirSync(ROOT).filter((name) => !name.startsWith('.') && !made.has(name));
  const fixed = [
    'package.json',
    'package-lock.json',
    'tsconfig.json',
    'LICENSE',
    'README.md',
    'test',
  ];
  expect(visible.toSorted()).toEqual([...fixed, ...WORKSPACES].toSorted());
});

const linesOf = (text: string): number => text.replace(/\n$/u, '').split('\n').length;

/** ARCHITECTURE.md section 2. */
const KERNEL_LINES = 3000;

test('the kernel does not grow and loads nothing native, no HTTP and no SQLite', () => {
  const kernel = [...sources].filter(([file]) => file.startsWith('kernel/'));
  const lines = kernel.reduce((sum, [, text]) => sum + linesOf(text), 0);
  expect(lines).toBeLessThanOrEqual(KERNEL_LINES);
  const forbidden =
    /^(isolated-vm|better-sqlite3|x11|robotjs|hono|@hono\/.*|node:(https?|http2|net|tls|dgram|sqlite|vm|worker_threads))$/u;
  const broken = imports.filter(({ file, to }) => file.startsWith('kernel/') && forbidden.test(to));
  expect(broken).toEqual([]);
});

test('what decides in the kernel knows no clock, no chance, no timers and no Node', () => {
  const pure = /^kernel\/(workflow|run|capability)\//u;
  const nodeImports = imports.filter(({ file, to }) => pure.test(file) && to.startsWith('node:'));
  expect(nodeImports).toEqual([]);
  const ambient =
    /\b(Date\.now|new Date|Math\.random|setTimeout|setInterval|setImmediate|performance\.now|process\.)/u;
  const broken = [...sources]
    .filter(([file]) => pure.test(file))
    .flatMap(([file, text]) =>
      withoutComments(text)
        .split('\n')
        .filter((line) => ambient.test(line))
        .map((line) => `${file}: ${line.trim()}`),
    );
  expect(broken).toEqual([]);
});

const withoutComments = (text: string): string =>
  text.replace(/\/\*[\s\S]*?\*\//gu, '').replace(/^\s*\/\/.*$/gmu, '');

test('no file is longer than 300 lines', () => {
  const long = [...sources]
    .filter(([, text]) => linesOf(text) > 300)
    .map(([file, text]) => `${file}: ${String(linesOf(text))}`);
  expect(long).toEqual([]);
});

test('only the runtime loads isolated-vm', () => {
  const users = imports.filter(({ to }) => to === 'isolated-vm').map(({ file }) => layerOf(file));
  expect([...new Set(users)].filter((layer) => layer !== 'plugin-sdk/runtime')).toEqual([]);
});

test('the README’s map names every top-level folder, and its commands exist', () => {
  const readme = read('README.md');
  for (const folder of [...WORKSPACES, 'test'])
    expect(readme).toMatch(new RegExp(`\\| \`${folder}/\` +\\|`, 'u'));
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const shown = [...readme.matchAll(/npm (?:run ([a-z]+)|(test|start))\b/gu)];
  for (const match of shown) expect(scripts).toHaveProperty(match[1] ?? match[2] ?? '');
  const links = [...readme.matchAll(/\]\((?!https?:)([^)#]+)\)/gu)].map((match) => match[1] ?? '');
  expect(links.filter((link) => !existsSync(join(ROOT, link)))).toEqual([]);
});
