import { spawn, type ChildProcess } from 'node:child_process';
import { openSync } from 'node:fs';
import { readFile, realpath, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { PassThrough, type Duplex, type Readable } from 'node:stream';
import { HubError } from '../../contract/index.ts';
import { ISOLATE_HOST, PROCESS_HOST, RUNTIME_MOUNTS } from '../../runtime/index.ts';
import type { HostProcess, Launcher, LaunchSpec } from '../ports.ts';
import {
  ARGS_FD,
  CHANNEL_FD,
  planJail,
  SECCOMP_FD,
  STATUS_FD,
  type Display,
  type JailView,
} from './bubblewrap.ts';
import { leakedDescriptors } from '../descriptors.ts';
import { Precedence } from '../precedence.ts';
import { isThere, librariesOf } from './libraries.ts';
import { endOrphans } from './orphans.ts';
import { findPython } from './python.ts';
import { assembleSeccomp, type SeccompArch } from './seccomp.ts';

/** How much a jail on a platform holds back: `strong` also against native code, `medium` without namespaces, `weak` the isolate only. */
export type Assurance = 'strong' | 'medium' | 'weak';

/** The best each platform could give, and whether this hub has an adapter for it. */
export const ASSURANCE: Readonly<
  Record<string, { readonly level: Assurance; readonly adapter: boolean }>
> = {
  linux: { level: 'strong', adapter: true },
  darwin: { level: 'medium', adapter: false },
  win32: { level: 'weak', adapter: false },
};

export interface LauncherOptions {
  /** Path of bubblewrap; found on PATH when left out. */
  readonly bwrapPath?: string;
  /** Refuses to start hosts on a platform whose jail is weaker. */
  readonly minIsolation: Assurance;
  /** The X display driver hosts reach, e.g. `:99`; this process's own when left out. */
  readonly display?: string;
  /** The interpreter for plugins in Python; Debian's /usr/bin/python3 when left out. */
  readonly python?: string;
  /** What node runs in a jail per runtime, and what the jail shows for it; the hub's own hosts when left out. */
  readonly hosts?: {
    readonly entry: (spec: LaunchSpec) => readonly string[];
    readonly mounts: readonly string[];
  };
  /** How long a jail may take until its host speaks; 10,000 ms when left out. */
  readonly startMs?: number;
}

/** A launcher for this platform; hosts run in a jail or not at all. Its `launch` throws JAIL_UNAVAILABLE with the jail's own words. */
export function createLauncher(options: LauncherOptions): Launcher {
  const refusal = refusalFor(process.platform, options.minIsolation);
  if (refusal !== null) {
    return { launch: () => Promise.reject(new HubError('JAIL_UNAVAILABLE', { detail: refusal })) };
  }
  const machine = onceFound(() => lookAround(options));
  const python = onceFound(() => findPython(options.python));
  return {
    async launch(spec) {
      const known = await machine();
      const view = spec.runtime === 'python' ? { ...known, python: await python() } : known;
      return await startJail(spec, view, options);
    },
  };
}

/** Looks once; again after a failure, since what was missing may have been installed. */
function onceFound<T>(look: () => Promise<T>): () => Promise<T> {
  let found: Promise<T> | null = null;
  return async () => {
    found ??= look();
    return await found.catch((error: unknown) => {
      found = null;
      throw error;
    });
  };
}

interface Machine extends JailView {
  /** Descriptors above 2 that this process would pass on to any child, left open by whoever started it. */
  readonly leaked: readonly number[];
}

function refusalFor(platform: string, least: Assurance): string | null {
  const found = ASSURANCE[platform];
  if (found === undefined || !found.adapter) {
    return `there is no jail for ${platform} yet; only Linux with bubblewrap runs plugins`;
  }
  const order: readonly Assurance[] = ['weak', 'medium', 'strong'];
  if (order.indexOf(found.level) < order.indexOf(least)) {
    return `the jail of ${platform} is ${found.level}, the policy asks for ${least}`;
  }
  return archOf(process.arch) === null ? `there is no seccomp filter for ${process.arch}` : null;
}

const archOf = (arch: string): SeccompArch | null =>
  arch === 'x64' || arch === 'arm64' ? arch : null;

async function lookAround(options: LauncherOptions): Promise<Machine> {
  await endOrphans();
  const node = await realpath(process.execPath);
  return {
    bwrap: options.bwrapPath ?? (await findProgram('bwrap', 'bubblewrap')),
    prlimit: await findProgram('prlimit', 'util-linux'),
    node,
    libraries: await librariesOf([node]),
    python: null,
    mounts: options.hosts?.mounts ?? RUNTIME_MOUNTS,
    display: displayOf(options.display ?? process.env['DISPLAY'] ?? ''),
    leaked: await leakedDescriptors(STATUS_FD),
  };
}

const displayOf = (name: string): Display | null =>
  name === '' ? null : { name, authority: process.env['XAUTHORITY'] ?? null };

async function findProgram(name: string, pack: string): Promise<string> {
  for (const folder of (process.env['PATH'] ?? '/usr/bin:/bin').split(path.delimiter)) {
    const file = path.join(folder, name);
    if (await isThere(file)) return file;
  }
  throw new HubError('JAIL_UNAVAILABLE', { detail: `${name} was not found (Debian: ${pack})` });
}

async function startJail(
  spec: LaunchSpec,
  view: Machine,
  options: LauncherOptions,
): Promise<HostProcess> {
  const entry = options.hosts?.entry(spec) ?? [
    spec.runtime === 'isolate' ? ISOLATE_HOST : PROCESS_HOST,
  ];
  const { argv, options: jailOptions } = planJail(spec, view, entry);
  const [program = '', ...args] = argv;
  const child = spawn(program, args, { env: {}, stdio: [...descriptorsFor(view.leaked)] });
  const life = watchLife(child);
  feed(child, SECCOMP_FD, assembleSeccomp(archOf(process.arch) ?? 'x64', seccompOf(spec)));
  feed(child, ARGS_FD, jailOptions.map((option) => `${option}\0`).join(''));
  const { channel, logs } = openPipes(child);
  using start = startBehind(life);
  await firstWord(child, channel, life, options.startMs ?? 10_000);
  const pid = (await nodePid(life.reaper)) ?? child.pid ?? 0;
  void writeFile(`/proc/${String(pid)}/oom_score_adj`, '1000').catch(() => undefined);
  const { precedence } = start;
  const { ended } = life;
  return { pid, precedence, input: channel, output: channel, logs, ended, kill: () => life.kill() };
}

/** A jail that starts goes behind hosts at work, from when it is a session of its own. */
function startBehind(life: Life): Disposable & { readonly precedence: Precedence } {
  const precedence = new Precedence(() => life.reaper);
  const timer = setInterval(() => precedence.begin(), LOOK_MS);
  return { precedence, [Symbol.dispose]: () => clearInterval(timer) };
}

/** What a jail's descriptors are: its pipes, and the null device over each that would leak into it. */
function descriptorsFor(leaked: readonly number[]): readonly StdioOption[] {
  const pipes: StdioOption[] = ['ignore', 'pipe', 'pipe', 'pipe', 'pipe', 'pipe', 'pipe'];
  if (leaked.length === 0) return pipes;
  nullDevice ??= openSync('/dev/null', 'r');
  for (const fd of leaked) {
    while (pipes.length < fd) pipes.push('ignore');
    pipes[fd] = nullDevice;
  }
  return pipes;
}

type StdioOption = 'ignore' | 'pipe' | number;
let nullDevice: number | null = null;

const seccompOf = ({ runtime, limits }: LaunchSpec) =>
  ({ sockets: runtime === 'driver' ? 'unix' : 'none', processes: limits.processes > 1 }) as const;

/** How long what an ended jail still has in its pipes is waited for. */
const LAST_WORDS_MS = 50;
const LOOK_MS = 10;

interface Life {
  /** Pid of the jail's first process as seen from here; null until bubblewrap has told. */
  reaper: number | null;
  /** The end of what the jail wrote to stderr. */
  stderr: string;
  over: boolean;
  readonly ended: HostProcess['ended'];
  kill(): void;
}

/** Follows a jail from start to end. `kill` ends the pid namespace from inside, so bubblewrap's own exit means that all of it is gone. */
function watchLife(child: ChildProcess): Life {
  const { promise: ended, resolve } = Promise.withResolvers<Awaited<HostProcess['ended']>>();
  const life: Life = { reaper: null, stderr: '', over: false, ended, kill };
  function kill(): void {
    if (life.over) return;
    try {
      if (life.reaper === null) child.kill('SIGKILL');
      else process.kill(life.reaper, 'SIGKILL');
    } catch {
      // It ended by itself a moment ago, and its exit is on the way.
    }
  }
  const end = (code: number | null, signal: string | null): void => {
    life.over = true;
    for (const stream of child.stdio) stream?.destroy();
    resolve({ code, signal });
  };
  child.once('error', (error) => {
    life.stderr = error.message;
    end(null, null);
  });
  child.once('exit', (code, signal) => {
    life.over = true;
    const timer = setTimeout(end, LAST_WORDS_MS, code, signal);
    child.once('close', () => {
      clearTimeout(timer);
      setImmediate(end, code, signal);
    });
  });
  let told = '';
  stdioOf(child, STATUS_FD).on('data', (chunk: Buffer) => {
    told = (told + chunk.toString('utf8')).slice(-4096);
    life.reaper ??= Number(/"child-pid": (\d+)/u.exec(told)?.[1] ?? Number.NaN) || null;
  });
  return life;
}

function stdioOf(child: ChildProcess, fd: number): Duplex {
  // SAFETY: every descriptor of the jail from 3 on is spawned as 'pipe', which Node makes a duplex socket.
  const stream = child.stdio[fd] as unknown as Duplex;
  stream.on('error', () => undefined);
  return stream;
}

function feed(child: ChildProcess, fd: number, content: Uint8Array | string): void {
  stdioOf(child, fd).resume().end(content);
}

function openPipes(child: ChildProcess): { channel: Duplex; logs: Readable } {
  const logs = new PassThrough();
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('error', () => undefined);
    stream?.pipe(logs, { end: false });
  }
  child.once('exit', () => setImmediate(() => logs.end()));
  return { channel: stdioOf(child, CHANNEL_FD), logs };
}

/** Waits until the host has said something on its channel. Throws JAIL_UNAVAILABLE when the jail ends first, or is silent for too long. */
async function firstWord(
  child: ChildProcess,
  channel: Duplex,
  life: Life,
  startMs: number,
): Promise<void> {
  const hear = (chunk: Buffer): void => {
    life.stderr = (life.stderr + chunk.toString('utf8')).slice(-2000);
  };
  child.stderr?.on('data', hear);
  const { promise, resolve } = Promise.withResolvers<'spoke' | 'ended' | 'silent'>();
  const timer = setTimeout(resolve, startMs, 'silent');
  const look = (): void => {
    if (channel.readableLength > 0) resolve('spoke');
  };
  channel.on('readable', look);
  void life.ended.then(() => resolve('ended'));
  const outcome = await promise;
  clearTimeout(timer);
  channel.off('readable', look);
  child.stderr?.off('data', hear);
  if (outcome === 'spoke') return;
  life.kill();
  const words = life.stderr.trim();
  const silent = `the host said nothing within ${String(startMs)} ms`;
  const detail = words !== '' ? words : outcome === 'silent' ? silent : 'the jail ended at once';
  throw new HubError('JAIL_UNAVAILABLE', { detail });
}

/** The pid, as seen from here, of the node process that the jail's first process started. */
async function nodePid(reaper: number | null): Promise<number | null> {
  if (reaper === null) return null;
  const file = `/proc/${String(reaper)}/task/${String(reaper)}/children`;
  const text = await readFile(file, 'utf8').catch(() => '');
  return Number(text.trim().split(' ')[0] ?? '') || null;
}
