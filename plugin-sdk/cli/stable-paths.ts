import { existsSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';

/** Where esbuild writes a module's path: in the comment above it, and as the name of a CommonJS wrapper. */
const WRITTEN = /^(\/\/ |\s+")((?:\.{1,2}\/)*[\w@.+~ /-]+\.[cm]?[jt]sx?)(?=$|"\()/gmu;

/**
 * A bundle with paths that are the same on every machine: esbuild's are relative to the folder it was started in. What
 * is the plugin's own becomes relative to its folder, anything else `<package>/<path>`.
 */
export function withStablePaths(code: string, folder: string, from = process.cwd()): string {
  return code.replaceAll(WRITTEN, (line, before: string, path: string) => {
    const file = resolve(from, path);
    return existsSync(file) ? `${before}${stablePath(file, resolve(folder))}` : line;
  });
}

function stablePath(file: string, folder: string): string {
  const own = relative(folder, file);
  if (!own.startsWith('..') && !own.startsWith(`node_modules${sep}`)) return own;
  const [, inPackage] = /^.*[/\\]node_modules[/\\](.+)$/u.exec(file) ?? [];
  if (inPackage !== undefined) return inPackage;
  const root = packageRoot(dirname(file));
  return root === null ? 'elsewhere' : `${root.name}/${relative(root.folder, file)}`;
}

/** The nearest folder upwards that has a package.json; it is named after the package's folder. */
function packageRoot(folder: string): { readonly folder: string; readonly name: string } | null {
  for (let at = folder; at !== dirname(at); at = dirname(at))
    if (existsSync(join(at, 'package.json')))
      return { folder: at, name: at.split(sep).at(-1) ?? '' };
  return null;
}
