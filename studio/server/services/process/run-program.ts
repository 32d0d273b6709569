import { stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Static } from 'typebox';
import type { Caller, ServiceUse } from '@runtime-hub/kernel';
import { HubError, unfit, type RunOperations } from '@runtime-hub/plugin-sdk/contract';
import type { Confinement } from './confinement.ts';
import { environmentFor } from './environment.ts';
import { isOnItsWay } from './guard.ts';
import { Output } from './output.ts';
import { programOf, signalSame } from './process-table.ts';
import { findProgram, isUnchanged, permitReal, refused, type Program } from './program.ts';
import type { ProgramTree } from './program-tree.ts';
import { startProgram, type Ending, type StartedProgram } from './started-program.ts';

export type RunArgs = Static<typeof RunOperations.run.args>;
export type RunResult = Static<typeof RunOperations.run.result>;

export interface RunPorts {
  readonly confinement: Confinement;
  readonly display: string | null;
  readonly maxProcesses: number;
  readonly onOutput: (caller: Caller, stream: 'stdout' | 'stderr', text: string) => void;
  readonly reveal: (name: string) => string;
  readonly redact: (text: string) => string;
  /** Trees of programs that run now. */
  readonly running: Set<ProgramTree>;
}

const TIMEOUT_MS = 60_000;
const OUTPUT_BYTES = 65_536;
/** What a program has, between being asked to end and being ended; nothing when the right to run it was taken away. */
const GRACE_MS = 150;
const COUNT_MS = 50;
const LOOK_MS = 2;
/** By then a program has begun. */
const BEGIN_MS = 500;

/**
 * Runs a program to its end, or until it is ended. Rejects with PROCESS_REFUSED, STEP_TIMED_OUT, STEP_INPUT_INVALID,
 * what `permit` and `reveal` throw, or the reason of `use.signal`.
 */
export async function runProgram(
  args: RunArgs,
  use: ServiceUse,
  ports: RunPorts,
): Promise<RunResult> {
  const late = args.args.findIndex((it) => it.includes('\0'));
  if (late >= 0) throw unfit(`/args/${String(late)}`, 'has a NUL', 'Take it out.');
  const program = await findProgram(args.program);
  permitReal(use, 'process.run', args, program.real);
  const folder = await findFolder(args.folder ?? '~');
  const { values: env, secret } = environmentFor(args.env ?? {}, ports);
  use.signal.throwIfAborted();
  const begunAt = performance.now();
  const stdin = args.stdin ?? null;
  const { confinement } = ports;
  const started = await startProgram({ program, args: args.args, folder, env, stdin, confinement });
  const outputs = (['stdout', 'stderr'] as const).map(
    (name) =>
      new Output(started[name], {
        maxBytes: args.maxOutputBytes ?? OUTPUT_BYTES,
        redact: ports.redact,
        live: !secret,
        onText: (text) => ports.onOutput(use.caller, name, text),
      }),
  );
  const timeoutMs = args.timeoutMs ?? TIMEOUT_MS;
  const ending = await watch(started, { program, signal: use.signal, timeoutMs, ports });
  const [stdout, stderr] = outputs.map((it) => it.finish());
  return {
    ...ending,
    stdout: stdout?.text ?? '',
    stderr: stderr?.text ?? '',
    truncated: stdout?.truncated === true || stderr?.truncated === true,
    ms: Math.round(performance.now() - begunAt),
  };
}

async function findFolder(text: string): Promise<string> {
  const folder =
    text === '~' ? homedir() : text.startsWith('~/') ? join(homedir(), text.slice(2)) : text;
  const cure = 'Give the whole path of a folder that is there.';
  if (!isAbsolute(folder) || folder.includes('\0')) throw unfit('/folder', 'is not absolute', cure);
  const found = await stat(folder).catch(() => null);
  if (found?.isDirectory() !== true) throw unfit('/folder', 'is no folder', cure);
  return folder;
}

interface Watch {
  readonly program: Program;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  readonly ports: RunPorts;
}

/** Waits for the end of a program, or brings it about. */
async function watch(started: StartedProgram, what: Watch): Promise<Ending> {
  const { tree, ended } = started;
  const { program, signal, timeoutMs, ports } = what;
  const stop = new AbortController();
  const { path } = program;
  const timer = setTimeout(
    () => stop.abort(new HubError('STEP_TIMED_OUT', { timeoutMs })),
    timeoutMs,
  );
  const counter = setInterval(() => {
    if ((tree.count() ?? 0) <= ports.maxProcesses) return;
    stop.abort(refused(path, 'it started too many processes'));
  }, COUNT_MS);
  const ending = AbortSignal.any([signal, stop.signal]);
  const finish = (): void => void end(tree, ended, ending.reason);
  ending.addEventListener('abort', finish, { once: true });
  if (ending.aborted) finish();
  ports.running.add(tree);
  try {
    const same = isSameOnceBegun(started, what).then((it) => {
      if (!it) stop.abort(refused(path, 'it was replaced while it was started'));
    });
    const how = await ended;
    await same;
    ending.throwIfAborted();
    if (how === null) throw refused(path, 'the system could not start it');
    return how;
  } finally {
    clearTimeout(timer);
    clearInterval(counter);
    ending.removeEventListener('abort', finish);
    ports.running.delete(tree);
  }
}

/** Asks a program to end, and then ends it with all it started; at once when it may not run any more. */
async function end(tree: ProgramTree, ended: Promise<unknown>, reason: unknown): Promise<void> {
  const isRefused =
    HubError.is(reason, 'CAPABILITY_REVOKED') || HubError.is(reason, 'PROCESS_REFUSED');
  const program = isRefused ? null : await tree.program();
  if (program !== null) {
    signalSame(program, 'SIGTERM');
    await Promise.race([ended, wait(GRACE_MS)]);
  }
  await tree.kill();
}

/** False when the file at the program's path was another by the time the program had begun. */
async function isSameOnceBegun(
  { tree, ended }: StartedProgram,
  { program, ports }: Watch,
): Promise<boolean> {
  const deadline = performance.now() + BEGIN_MS;
  let isOver = false;
  void ended.then(() => (isOver = true));
  while (!isOver && performance.now() < deadline && !(await hasBegun(tree, ports.confinement))) {
    await Promise.race([ended, wait(LOOK_MS)]);
  }
  return await isUnchanged(program);
}

/** True once the program's process runs something else than what confines it. */
async function hasBegun(tree: ProgramTree, confinement: Confinement): Promise<boolean> {
  const own = await tree.program();
  const file = own === null ? null : await programOf(own.pid);
  if (own === null || file === null || confinement.files.includes(file)) return false;
  return !(await isOnItsWay(own.pid));
}
