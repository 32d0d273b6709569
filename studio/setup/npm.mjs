import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, runStep } from './process.mjs';

const STAMP = 'node_modules/.runtime-hub-lock';

/** Runs `npm ci` when node_modules does not belong to package-lock.json; false when that failed. */
export async function installNpmPackages(env) {
  const wanted = lockDigest(ROOT);
  if (installedDigest(ROOT) === wanted) return true;
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const install = [npm, 'ci', '--loglevel=error'];
  if (!(await runStep('installing npm packages', install, { env: forNpm(env) }))) return false;
  writeFileSync(join(ROOT, STAMP), wanted);
  return true;
}

/** Hex SHA-256 of the lock file of the clone at `root`. */
export function lockDigest(root) {
  return createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
}

/** The digest that node_modules was installed for; null when there is none. */
export function installedDigest(root) {
  try {
    return readFileSync(join(root, STAMP), 'utf8').trim();
  } catch {
    return null;
  }
}

/** What the outer `npm run` hands down would change how the inner npm behaves. */
function forNpm(env) {
  const kept = Object.entries(env).filter(
    ([name]) => !/^npm_(lifecycle|package|command|node_execpath|execpath)/u.test(name),
  );
  return Object.fromEntries(kept);
}
