import { execFile } from 'node:child_process';
import { access } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { CAPABILITY_NAMES, ERROR_TABLE, HubError } from '../../contract/index.ts';
import type { HostLimits } from '../ports.ts';
import { librariesOf } from './libraries.ts';

/** What of the machine a jail for Python shows, all read-only. */
export interface PythonView {
  readonly program: string;
  /** Folders of the standard library. */
  readonly folders: readonly string[];
  /** Folders inside those that hold what was installed besides; hidden. */
  readonly hidden: readonly string[];
  /** Shared libraries of the interpreter and of the standard library's modules. */
  readonly libraries: readonly string[];
}

/** The host's code and the authors' module. */
export const PYTHON_SOURCES = fileURLToPath(new URL('../../python', import.meta.url));
/** Where a jail shows the host's own code: a place that says nothing of the machine. */
const SHOWN_AT = '/rt/python';
export const PYTHON_HOST = path.join(SHOWN_AT, 'host.py');
/** Debian's; an interpreter that a person installed besides it is used only when named. */
const USUAL = '/usr/bin/python3';
const LEAST = [3, 10] as const;
/** The interpreter with the host and its threads, beside what the plugin uses. */
const OWN_BYTES = 160 * 1024 * 1024;

/** `-I -S`: neither environment nor site-packages nor the working folder; `-B`: writes no bytecode. */
const FLAGS = ['-I', '-S', '-B', '-X', 'utf8'] as const;

const ASK = `
import json, os, sys
found = [it for it in sys.path if os.path.isdir(it)]
folders = [it for it in found if not any(it.startswith(other + os.sep) for other in found)]
hidden = [os.path.join(it, name) for it in folders for name in ("site-packages", "dist-packages") if os.path.isdir(os.path.join(it, name))]
modules = [os.path.join(it, name) for it in found for name in os.listdir(it) if name.endswith(".so")]
print(json.dumps([os.path.realpath(sys.executable), sys.version_info[:2], folders, hidden, modules]))`;

/**
 * Asks an interpreter where it and its standard library lie. Throws JAIL_UNAVAILABLE when there is none, or it is too
 * old; `program` is Debian's when left out.
 */
export async function findPython(program: string = USUAL): Promise<PythonView> {
  const missing = (why: string): HubError =>
    new HubError('JAIL_UNAVAILABLE', { detail: `plugins in Python cannot run: ${why}` });
  await access(program).catch(() => {
    throw missing(`there is no ${program} (Debian: apt-get install python3)`);
  });
  const { stdout } = await promisify(execFile)(program, [...FLAGS, '-c', ASK], {
    env: {},
    timeout: 10_000,
  }).catch(() => {
    throw missing(`${program} does not start`);
  });
  // SAFETY: printed by the lines above.
  const told = JSON.parse(stdout) as [string, [number, number], string[], string[], string[]];
  const [executable, [major, minor], folders, hidden, modules] = told;
  if (major !== LEAST[0] || minor < LEAST[1]) {
    throw missing(
      `${program} is ${String(major)}.${String(minor)}, not ${LEAST.join('.')} or newer`,
    );
  }
  return {
    program: executable,
    folders,
    hidden,
    libraries: await librariesOf([executable, ...modules]),
  };
}

/** The command that runs the host on the plugin at /plugin. The contract's names come with it, so that they are written down once. */
export function pythonCommand(view: PythonView): readonly string[] {
  const errors = Object.entries(ERROR_TABLE).map(([code, row]) => [code, row.retryable]);
  const contract = { capabilities: CAPABILITY_NAMES, errors: Object.fromEntries(errors) };
  return [view.program, ...FLAGS, PYTHON_HOST, '/plugin', JSON.stringify(contract)];
}

/** bubblewrap's options for what a jail of Python shows, all but the plugin. */
export function pythonMounts(view: PythonView): readonly string[] {
  const seen = new Set([view.program, ...view.libraries, ...view.folders]);
  return [
    ...[...seen].flatMap((file) => ['--ro-bind', file, file]),
    ...view.hidden.flatMap((folder) => ['--tmpfs', folder, '--remount-ro', folder]),
    ...['--ro-bind', PYTHON_SOURCES, SHOWN_AT],
    // One arena for all threads: each further one reserves 64 MB of the address space that is the plugin's limit.
    ...['--setenv', 'MALLOC_ARENA_MAX', '1'],
  ];
}

/** Python reserves no more than it uses, so the whole address space can be capped: also what is shared or not yet touched. */
export function pythonLimits({ memoryMb }: HostLimits): readonly string[] {
  const bytes = String(memoryMb * 1024 * 1024 + OWN_BYTES);
  return [`--as=${bytes}`, `--data=${bytes}`];
}
