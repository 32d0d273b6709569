import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

/** Starts a program with its own environment; rejects when it cannot be started at all. */
export async function startChild(
  program: string,
  args: readonly string[],
  options: {
    readonly env: NodeJS.ProcessEnv;
    readonly stdio: readonly ('pipe' | 'ignore' | 'inherit')[];
  },
): Promise<ChildProcess> {
  const child = spawn(program, args, { env: options.env, stdio: [...options.stdio] });
  await once(child, 'spawn');
  return child;
}

/** Resolves with the first line of `stream` that `wanted` accepts; rejects when the stream ends before. */
export async function firstLine(
  stream: Readable,
  what: string,
  wanted: (line: string) => boolean,
): Promise<string> {
  const lines = createInterface({ input: stream });
  try {
    for await (const line of lines) if (wanted(line)) return line;
  } finally {
    lines.close();
  }
  throw new Error(`${what} ended before it was ready`);
}

/** Ends a child politely, after two seconds by force; resolves when it is gone. */
export async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const force = setTimeout(() => child.kill('SIGKILL'), 2000);
  await gone;
  clearTimeout(force);
}
