import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build, type BuildOptions, type Plugin } from 'esbuild';
import * as typebox from 'typebox';

const here = import.meta.dirname;
const dist = join(here, 'dist');
const stamp = join(dist, 'sources.sha256');

/** Bundles the hosts into dist/; does nothing when no source has changed since. */
export async function buildRuntime(): Promise<void> {
  const digest = await digestOfSources();
  if ((await readFile(stamp, 'utf8').catch(() => '')) === digest) return;
  await mkdir(dist, { recursive: true });
  await writeFile(join(dist, 'package.json'), '{"type":"module"}\n');
  const source = await bundleBootstrap();
  await bundleHost('isolate-host', [textModule('bootstrap:source', source), schemaStub]);
  await bundleHost('process-host', [schemaStub]);
  await writeFile(stamp, digest);
}

async function digestOfSources(): Promise<string> {
  const hash = createHash('sha256');
  for (const folder of ['.', '../author', '../contract']) {
    const names = (await readdir(join(here, folder))).filter((name) => name.endsWith('.ts'));
    for (const name of names.toSorted()) {
      hash.update(name);
      hash.update(await readFile(join(here, folder, name)));
    }
  }
  return hash.digest('hex');
}

async function bundleBootstrap(): Promise<string> {
  const result = await build({
    ...common,
    entryPoints: [join(here, 'isolate-bootstrap.ts')],
    platform: 'neutral',
    format: 'iife',
    globalName: 'hub',
    write: false,
    plugins: [schemaStub],
  });
  const text = result.outputFiles[0]?.text;
  if (text === undefined) throw new Error('esbuild gave no bootstrap');
  return text;
}

/** Renames into place, so that a host that starts meanwhile sees the old file or the new one. */
async function bundleHost(name: string, plugins: Plugin[]): Promise<void> {
  const made = join(dist, `${name}.${String(process.pid)}.tmp`);
  await build({
    ...common,
    entryPoints: [join(here, `${name}.ts`)],
    outfile: made,
    platform: 'node',
    format: 'esm',
    external: ['isolated-vm'],
    banner: {
      js: "import { createRequire as hubRequire } from 'node:module'; const require = hubRequire(import.meta.url);",
    },
    plugins,
  });
  await rename(made, join(dist, `${name}.js`));
}

const common = {
  bundle: true,
  target: 'node24',
  minifySyntax: true,
  minifyWhitespace: true,
  logLevel: 'error',
} satisfies BuildOptions;

function textModule(name: string, text: string): Plugin {
  return {
    name,
    setup: (setup) => {
      setup.onResolve({ filter: new RegExp(`^${name}$`) }, () => ({
        path: name,
        namespace: 'text',
      }));
      setup.onLoad({ filter: /^/, namespace: 'text' }, () => ({ contents: text, loader: 'text' }));
    },
  };
}

/** Hosts check nothing by the contract's schemas, so what makes these does nothing there and costs no memory. */
const schemaStub: Plugin = {
  name: 'schema-stub',
  setup: (setup) => {
    setup.onResolve({ filter: /^typebox$/ }, () => ({ path: 'typebox', namespace: 'stub' }));
    setup.onLoad({ filter: /^/, namespace: 'stub' }, () => {
      const names = Object.keys(typebox).filter((name) => name !== 'default');
      const makers = names.map((name) => `make as ${name}`).join(', ');
      return { contents: `const make = () => ({}); export { ${makers} };` };
    });
  },
};

if (import.meta.main) await buildRuntime();
