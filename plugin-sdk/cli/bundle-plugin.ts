import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { HubError } from '../contract/index.ts';

/** CommonJS inside a bundle asks for Node's modules with `require`, which an ES module does not have. */
const REQUIRE =
  "import { createRequire as $createRequire } from 'node:module';\nconst require = $createRequire(import.meta.url);\n";

/** One ES module with all a plugin's code: its default export is the definition. Only Node's own modules stay outside. */
export async function bundlePlugin(folder: string): Promise<string> {
  try {
    const { outputFiles, metafile } = await build({
      entryPoints: [join(folder, 'plugin.ts')],
      bundle: true,
      write: false,
      metafile: true,
      format: 'esm',
      platform: 'node',
      target: 'es2024',
      legalComments: 'none',
      logLevel: 'silent',
      treeShaking: true,
      plugins: [nodeModules],
    });
    const text = outputFiles[0]?.text ?? '';
    // Only what is left of the imports counts: an isolate takes none.
    const usesNode = Object.values(metafile.outputs).some((it) => it.imports.length > 0);
    return usesNode ? REQUIRE + text : text;
  } catch (error) {
    const message = error instanceof Error ? error.message : 'it does not build';
    throw new HubError('HOST_LOAD_FAILED', { plugin: folder, message }, { cause: error });
  }
}

const names = new Set(builtinModules);
const nodeModules: Plugin = {
  name: 'node-modules',
  setup(setup) {
    setup.onResolve({ filter: /^(node:)?[a-z_/]+$/ }, ({ path }) => {
      const name = path.replace(/^node:/u, '');
      return names.has(name) ? { path: `node:${name}`, external: true } : null;
    });
  },
};
