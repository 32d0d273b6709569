import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { HubError } from '../contract/index.ts';

/** CommonJS inside a bundle asks for Node's modules with `require`, which an ES module does not have. */
const REQUIRE =
  "import { createRequire as $createRequire } from 'node:module';\nconst require = $createRequire(import.meta.url);";

/** One ES module with all a plugin's code: its default export is the definition. Only Node's own modules stay outside. */
export async function bundlePlugin(folder: string): Promise<string> {
  const usesNode = { found: false };
  const bundle = async (banner: string): Promise<string> => {
    const result = await build({
      entryPoints: [join(folder, 'plugin.ts')],
      bundle: true,
      write: false,
      format: 'esm',
      platform: 'node',
      target: 'es2024',
      legalComments: 'none',
      logLevel: 'silent',
      treeShaking: true,
      banner: { js: banner },
      plugins: [nodeModules(usesNode)],
    });
    return result.outputFiles[0]?.text ?? '';
  };
  try {
    const plain = await bundle('');
    return usesNode.found ? await bundle(REQUIRE) : plain;
  } catch (error) {
    const message = error instanceof Error ? error.message : 'it does not build';
    throw new HubError('HOST_LOAD_FAILED', { plugin: folder, message }, { cause: error });
  }
}

function nodeModules(uses: { found: boolean }): Plugin {
  const names = new Set(builtinModules);
  return {
    name: 'node-modules',
    setup(setup) {
      setup.onResolve({ filter: /^(node:)?[a-z_/]+$/ }, ({ path }) => {
        const name = path.replace(/^node:/u, '');
        if (!names.has(name)) return null;
        uses.found = true;
        return { path: `node:${name}`, external: true };
      });
    },
  };
}
