import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { constants, readFileSync } from 'node:fs';
import { access, readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { endLostPrograms, guarded } from './guard.ts';
import type { Finding } from '@runtime-hub/plugin-sdk/hosting';

/**
 * How all that a program starts is held together, to be ended with it. `namespace`: its own pid namespace, out of which
 * nothing comes. `group`: its process group and what carries its mark, which a program that means to can leave.
 * `tree`: what the system says it started.
 */
export type Confinement = {
  readonly prlimit: string | null;
  readonly nice: string | null;
  /** Real paths of what confines; a program has begun when its process runs none of them any more. */
  readonly files: readonly string[];
} & (
  | { readonly kind: 'namespace'; readonly bwrap: string; readonly sh: string }
  | { readonly kind: 'group'; readonly why: string }
  | { readonly kind: 'tree' }
);

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
}

/** Descriptor on which bubblewrap tells what it started, and how that ended. */
export const STATUS_FD = 3;
/** Of one program's tree; the user's own others do not count where there are user namespaces (setrlimit(2)). */
const MAX_THREADS = 1024;
/** A program comes after the hub where both want the processor (nice(1)). */
const NICENESS = 10;
const PROBE_MS = 5000;

/** The best this machine has, found by trying; `path` is where its helpers are looked for, the hub's own when left out. */
export async function findConfinement(path = process.env['PATH'] ?? ''): Promise<Confinement> {
  if (process.platform === 'win32') return { kind: 'tree', prlimit: null, nice: null, files: [] };
  const names = ['bwrap', 'sh', 'prlimit', 'nice'];
  const [bwrap = null, sh = null, prlimit = null, nice = null] = await Promise.all(
    names.map(async (it) => await find(it, path)),
  );
  // Not the shell: a program may be one.
  const found = [bwrap, prlimit, nice].filter((it) => it !== null);
  const files = await Promise.all(found.map(async (it) => await realpath(it)));
  const common = { prlimit, nice, files };
  if (bwrap === null || sh === null) {
    return { ...common, kind: 'group', why: 'bubblewrap was not found' };
  }
  await endLostPrograms();
  const confinement = { ...common, kind: 'namespace', bwrap, sh } as const;
  if (await works(confinement)) return confinement;
  return { ...common, kind: 'group', why: 'bubblewrap cannot make a pid namespace here' };
}

async function works(confinement: Confinement & { readonly kind: 'namespace' }): Promise<boolean> {
  const command = { file: confinement.bwrap, args: ['--version'] };
  const { file, args } = await planCommand(confinement, command, '/', 0);
  // The status must be read: without its pipe bubblewrap fails, and what it has begun waits for ever.
  const stdio: StdioOptions = ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'];
  const child = spawn(file, args, { env: {}, stdio });
  const timer = setTimeout(() => child.kill('SIGKILL'), PROBE_MS);
  const { promise, resolve } = Promise.withResolvers<boolean>();
  child.once('error', () => resolve(false)).once('close', (code) => resolve(code === 0));
  statusOf(child).resume();
  return await promise.finally(() => clearTimeout(timer));
}

/** The pipe on which bubblewrap tells what it started and how it ended. */
export function statusOf(child: ChildProcess): Readable {
  // SAFETY: the descriptor was spawned as a pipe, which Node makes a readable socket.
  const stream = child.stdio[STATUS_FD] as unknown as Readable;
  return stream.on('error', () => undefined);
}

/** Says, by trying, how programs that plugins run are held together here. */
export async function examinePrograms(path?: string): Promise<Finding> {
  const confinement = await findConfinement(path);
  const cure = 'Install bubblewrap (Debian: apt-get install bubblewrap) and allow user namespaces.';
  const found = { check: 'programs', ok: confinement.kind === 'namespace', optional: true, cure };
  return { ...found, detail: DETAILS[confinement.kind](confinement) };
}

const DETAILS: Readonly<Record<Confinement['kind'], (it: Confinement) => string>> = {
  namespace: () => 'a program ends with all it started: each has its own pid namespace',
  group: (it) =>
    `a program that means to can leave processes behind: process groups only${it.kind === 'group' ? `, since ${it.why}` : ''}`,
  tree: () => 'a program ends with what Windows knows it started (taskkill /T)',
};

/** What to start so that `command` runs confined in a folder. In a group `mark` is carried by all it starts. */
export async function planCommand(
  confinement: Confinement,
  command: Command,
  folder: string,
  mark: number,
): Promise<Command> {
  if (confinement.kind === 'tree') return command;
  const { prlimit, nice } = confinement;
  if (confinement.kind === 'group') return niced(nice, await withLimits(prlimit, command, mark));
  const { bwrap, sh } = confinement;
  const guard = { file: sh, args: guarded(command.file, command.args) };
  const limited = await withLimits(prlimit, guard, null);
  const args = [
    ...['--dev-bind', '/', '/', '--proc', '/proc', '--chdir', folder],
    ...['--unshare-pid', '--die-with-parent', '--new-session'],
    ...['--json-status-fd', String(STATUS_FD), '--', limited.file, ...limited.args],
  ];
  return niced(nice, { file: bwrap, args });
}

function niced(nice: string | null, { file, args }: Command): Command {
  return nice === null
    ? { file, args }
    : { file: nice, args: ['-n', String(NICENESS), file, ...args] };
}

/** No core dumps, a bound on threads, and the mark: RLIMIT_LOCKS, which Linux keeps and passes on but has no use for. */
async function withLimits(
  prlimit: string | null,
  { file, args }: Command,
  mark: number | null,
): Promise<Command> {
  if (prlimit === null) return { file, args };
  const threads = String(Math.min(MAX_THREADS, await hardLimit('Max processes')));
  const marks = mark === null ? [] : [`--locks=${String(mark)}:${String(mark)}`];
  const limits = ['--core=0', `--nproc=${threads}:${threads}`, ...marks];
  return { file: prlimit, args: [...limits, '--', file, ...args] };
}

async function hardLimit(name: string): Promise<number> {
  const text = await readFile('/proc/self/limits', 'utf8').catch(() => '');
  const line = text.split('\n').find((it) => it.startsWith(name)) ?? '';
  const hard = /^\S+ \S+\s+\S+\s+(\d+)/u.exec(line)?.[1];
  return hard === undefined ? Number.POSITIVE_INFINITY : Number(hard);
}

/** The mark a process carries; null when it has none, or is gone. */
export function markOf(pid: number): number | null {
  try {
    const text = readFileSync(`/proc/${String(pid)}/limits`, 'utf8');
    const mark = /^Max file locks\s+\d+\s+(\d+)/mu.exec(text)?.[1];
    return mark === undefined ? null : Number(mark);
  } catch {
    return null;
  }
}

async function find(name: string, path: string): Promise<string | null> {
  for (const folder of path.split(':').filter((it) => it.startsWith('/'))) {
    const file = join(folder, name);
    const isThere = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return file;
  }
  return null;
}
