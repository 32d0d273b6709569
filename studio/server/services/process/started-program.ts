import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { setImmediate as nextTurn, setTimeout as wait } from 'node:timers/promises';
import { constants } from 'node:os';
import { randomInt } from 'node:crypto';
import { codeOf } from '@runtime-hub/plugin-sdk/contract';
import { leakedDescriptors } from '@runtime-hub/plugin-sdk/hosting';
import { planCommand, statusOf, type Confinement } from './confinement.ts';
import { GUARD, LIFE_FD } from './guard.ts';
import { refused, type Program } from './program.ts';
import { GroupTree, NamespaceTree, WindowsTree, type ProgramTree } from './program-tree.ts';

export interface Start {
  readonly program: Program;
  readonly args: readonly string[];
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: string | null;
  readonly confinement: Confinement;
}

export interface Ending {
  readonly exitCode: number | null;
  readonly signal: string | null;
}

/** A program from its start to its end. */
export interface StartedProgram {
  readonly tree: ProgramTree;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves with how the program itself ended, once nothing it started is left and all it wrote was read. Null when it never began. */
  readonly ended: Promise<Ending | null>;
}

/** How long what an ended program has still in its pipes is waited for. */
const LAST_WORDS_MS = 500;

/** Starts a program. Rejects with PROCESS_REFUSED when the system does not start it. */
export async function startProgram(start: Start): Promise<StartedProgram> {
  const { program, args, folder, confinement } = start;
  const mark = randomInt(2 ** 32, 2 ** 47);
  const plan = await planCommand(confinement, { file: program.path, args }, folder, mark);
  const child = await spawned(plan.file, plan.args, start);
  const tree = treeFor(confinement, child, mark);
  const told = confinement.kind === 'namespace' ? listen(child, tree) : null;
  child.stdin?.on('error', () => undefined).end(start.stdin);
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) throw new Error('a pipe is missing');
  const words = { text: '' };
  stderr.on('data', (chunk: Buffer) => {
    if (words.text.length < 64) words.text += chunk.toString('latin1', 0, 64);
  });
  return {
    tree,
    stdout,
    stderr,
    ended: follow(child, tree, () => endingOf(child, told, words.text)),
  };
}

async function spawned(file: string, args: readonly string[], start: Start): Promise<ChildProcess> {
  const { program, folder, env, stdin, confinement } = start;
  const options = {
    cwd: folder,
    env,
    detached: confinement.kind === 'group',
    windowsHide: true,
    stdio: await descriptors(stdin !== null, confinement.kind === 'namespace'),
  };
  try {
    const child = spawn(file, args, options);
    await once(child, 'spawn');
    return child;
  } catch (error) {
    throw refused(
      program.path,
      REASONS[codeOf(error) ?? ''] ?? 'the system does not start it',
      error,
    );
  }
}

const REASONS: Readonly<Record<string, string>> = {
  E2BIG: 'its arguments are too long',
  EAGAIN: 'there are too many processes',
  ENOENT: 'it, or its working folder, is not there any more',
  ENOTDIR: 'its working folder is not there any more',
  EACCES: 'it may not be run, or its working folder not be entered',
};

let leaked: Promise<readonly number[]> | null = null;
let nullDevice: number | null = null;

/** The program's own three, STATUS_FD and LIFE_FD, and the null device over each that would leak. */
async function descriptors(hasInput: boolean, hasGuard: boolean): Promise<StdioOptions> {
  const all: (number | 'pipe' | 'ignore')[] = [hasInput ? 'pipe' : 'ignore', 'pipe', 'pipe'];
  if (hasGuard) all.push('pipe', 'pipe');
  if (process.platform !== 'linux') return all;
  leaked ??= leakedDescriptors(LIFE_FD);
  const found = await leaked;
  if (found.length > 0) nullDevice ??= openSync('/dev/null', 'r');
  for (const fd of found) {
    while (all.length < fd) all.push('ignore');
    all[fd] = nullDevice ?? 'ignore';
  }
  return all;
}

function treeFor(confinement: Confinement, child: ChildProcess, mark: number): ProgramTree {
  if (confinement.kind === 'namespace') return new NamespaceTree(child);
  return confinement.kind === 'group' ? new GroupTree(child, mark) : new WindowsTree(child);
}

/** What bubblewrap told: `exit-code` only of a program that really began. */
interface Told {
  text: string;
}

function listen(child: ChildProcess, tree: ProgramTree): Told {
  const told: Told = { text: '' };
  child.stdio[LIFE_FD]?.on('error', () => undefined);
  statusOf(child).on('data', (chunk: Buffer) => {
    told.text = (told.text + chunk.toString('utf8')).slice(0, 4096);
    const first = /"child-pid": (\d+)/u.exec(told.text)?.[1];
    if (first !== undefined && tree instanceof NamespaceTree) tree.begin(Number(first));
  });
  return told;
}

async function follow(
  child: ChildProcess,
  tree: ProgramTree,
  ending: () => Ending | null,
): Promise<Ending | null> {
  const exited = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<void>();
  child.on('error', () => undefined);
  child.once('exit', () => exited.resolve()).once('close', () => closed.resolve());
  await exited.promise;
  await tree.kill();
  await lastWords(child, closed.promise);
  // What it was to end may have been told only now.
  await tree.kill();
  return ending();
}

/** Reads what is left in the pipes, as long as something comes: whoever got hold of one outside may keep it open for ever. */
async function lastWords(child: ChildProcess, closed: Promise<void>): Promise<void> {
  let isClosed = false;
  void closed.then(() => (isClosed = true));
  for (let before = -1; !isClosed && bytesOf(child) > before;) {
    before = bytesOf(child);
    await Promise.race([closed, wait(LAST_WORDS_MS)]);
    // However late the timer was, what lies ready is read before anything is given up.
    await nextTurn();
  }
  for (const it of child.stdio) it?.destroy();
}

function bytesOf({ stdout, stderr }: ChildProcess): number {
  // SAFETY: pipes of a child are sockets.
  const [out, err] = [stdout, stderr] as unknown as readonly (Socket | null)[];
  return (out?.bytesRead ?? 0) + (err?.bytesRead ?? 0);
}

/** Exit codes of prlimit and the guard when the program cannot be started; they say so themselves. */
const NOT_STARTED = new Set([126, 127]);
const WORDS = new RegExp(`^(?:prlimit|nice|${GUARD}): `, 'u');

function endingOf(child: ChildProcess, told: Told | null, words: string): Ending | null {
  const { exitCode: code, signalCode } = child;
  if (code !== null && NOT_STARTED.has(code) && WORDS.test(words)) return null;
  if (told === null || signalCode !== null) return { exitCode: code, signal: signalCode };
  if (!told.text.includes('"exit-code"')) return null;
  const signal = code === null ? null : signalOf(code - 128);
  return signal === null ? { exitCode: code, signal: null } : { exitCode: null, signal };
}

/** Inside a pid namespace the end by a signal shows as 128 and the signal, as in shells. */
function signalOf(number: number): string | null {
  const found = Object.entries(constants.signals).find(([, it]) => it === number);
  return found === undefined ? null : found[0];
}
