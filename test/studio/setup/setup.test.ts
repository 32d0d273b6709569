import { spawnSync } from 'node:child_process';
import { mkdtempSync, mkdirSync, writeFileSync, rmSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../../..');
const setup = (...args: string[]) =>
  spawnSync(process.execPath, [join(ROOT, 'studio/setup.mjs'), ...args], { encoding: 'utf8' });

/** Runs `code` as a module that may import from studio/setup, and returns what it printed. */
function inSetup(code: string): { readonly status: number | null; readonly stdout: string } {
  const imports = code.replaceAll('SETUP', `file://${ROOT}/studio/setup`);
  return spawnSync(process.execPath, ['--input-type=module', '-e', imports], { encoding: 'utf8' });
}

test('--help names every script of package.json', () => {
  const { stdout, status } = setup('--help');
  expect(status).toBe(0);
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  for (const name of Object.keys(scripts)) expect(stdout).toContain(name);
});

test('an unknown command is refused with exit code 2', () => {
  expect(setup('dance').status).toBe(2);
});

test('a package that is not installed is found missing, one that is there is not', () => {
  const asked = inSetup(
    `import { missingPackages } from 'SETUP/debian.mjs';
     console.log(missingPackages(['bubblewrap', 'no-such-package']).join(' '));`,
  );
  expect(asked.stdout.trim()).toBe('no-such-package');
});

test('the exit code of a command comes back, and later steps are not run', () => {
  const asked = inSetup(
    `import { runToEnd } from 'SETUP/process.mjs';
     const step = (code) => ({ argv: [process.execPath, '-e', 'process.exit(' + code + ')'] });
     process.exitCode = await runToEnd([step(0), step(7), step(0)], { env: process.env });`,
  );
  expect(asked.status).toBe(7);
});

test('node_modules belongs to a lock file only while their digests agree', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hub-setup-'));
  try {
    mkdirSync(join(folder, 'node_modules'));
    writeFileSync(join(folder, 'package-lock.json'), '{}');
    const code = `import { installedDigest, lockDigest } from 'SETUP/npm.mjs';
      console.log(installedDigest(${JSON.stringify(folder)}) === lockDigest(${JSON.stringify(folder)}));`;
    expect(inSetup(code).stdout.trim()).toBe('false');
    const digest = inSetup(
      `import { lockDigest } from 'SETUP/npm.mjs'; console.log(lockDigest(${JSON.stringify(folder)}));`,
    ).stdout;
    writeFileSync(join(folder, 'node_modules/.runtime-hub-lock'), digest);
    expect(inSetup(code).stdout.trim()).toBe('true');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
