import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { runStep } from './process.mjs';

/** Sees to it that `packages` are installed; false after saying what to do when it may not install them itself. */
export async function installDebianPackages(packages) {
  if (process.platform !== 'linux') {
    console.error(
      `setup: Runtime Hub runs plugins in a Linux jail; this is ${process.platform}. Use Linux, or a Linux virtual machine.`,
    );
    return false;
  }
  const missing = missingPackages(packages);
  if (missing.length === 0) return true;
  if (!works('apt-get', ['--version'])) {
    console.error(
      `setup: please install what Debian calls: ${missing.join(' ')}\n(no apt-get here, so setup cannot do it)`,
    );
    return false;
  }
  const prefix = rightsPrefix();
  if (prefix === null) {
    console.error(
      `setup: these Debian packages are missing; please run this, then try again:\n\n  sudo apt-get install --no-install-recommends -y ${missing.join(' ')}\n`,
    );
    return false;
  }
  return await install(prefix, missing);
}

/** The packages of `wanted` that dpkg does not know as installed; all of them where there is no dpkg. */
export function missingPackages(wanted) {
  const asked = spawnSync(
    'dpkg-query',
    ['-W', '-f', '${Package} ${db:Status-Status}\n', ...wanted],
    {
      encoding: 'utf8',
    },
  );
  if (asked.error !== undefined) return wanted.filter((name) => !hasProgram(name));
  const installed = new Set(
    asked.stdout
      .split('\n')
      .filter((line) => line.endsWith(' installed'))
      .map((line) => line.split(' ')[0]),
  );
  return wanted.filter((name) => !installed.has(name));
}

/** What each package is needed for, as a file, where packages have other names. */
const PROOF = {
  bubblewrap: ['/usr/bin/bwrap'],
  xvfb: ['/usr/bin/Xvfb'],
  openbox: ['/usr/bin/openbox'],
  'x11-utils': ['/usr/bin/xprop'],
  xdotool: ['/usr/bin/xdotool'],
  'tesseract-ocr-eng': [
    '/usr/share/tesseract-ocr/5/tessdata/eng.traineddata',
    '/usr/share/tessdata/eng.traineddata',
  ],
};
const hasProgram = (name) =>
  PROOF[name] === undefined || PROOF[name].some((file) => existsSync(file));

const works = (program, args) => spawnSync(program, args, { stdio: 'ignore' }).status === 0;

function rightsPrefix() {
  if (process.getuid?.() === 0) return [];
  return works('sudo', ['-n', 'true']) ? ['sudo', '-n'] : null;
}

async function install(prefix, missing) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (...args) => [...prefix, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', ...args];
  const installing = apt('install', '-y', '-q', '--no-install-recommends', ...missing);
  const known = missing.every((name) => works('apt-cache', ['show', name]));
  if (!known && !(await runStep('refreshing the package list', apt('update', '-q'), { env })))
    return false;
  const what = `installing ${missing.join(' ')}`;
  if (await runStep(what, installing, { env })) return true;
  if (!known) return false;
  // A package list that is old names versions that are gone; refreshed, it works.
  if (!(await runStep('refreshing the package list', apt('update', '-q'), { env }))) return false;
  return await runStep(what, installing, { env });
}
