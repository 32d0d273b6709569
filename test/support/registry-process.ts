import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../registry/main.ts', import.meta.url));

/** `npm run registry` in a process of its own, ended with its owner. */
export interface RegistryProcess extends AsyncDisposable {
  readonly child: ChildProcess;
  readonly url: string;
  /** From starting the process to its first word that it listens. */
  readonly startMs: number;
  /** Processor time of that: what a machine that does nothing else would need. */
  readonly startCpuMs: number;
  /** Told at the first start of a data folder only. */
  readonly adminToken: string | null;
  /** Ends it at once, as a power cut would. */
  kill(): Promise<void>;
}

/** Starts a registry on a data folder and a free port; resolves once it listens. */
export async function startRegistry(
  folder: string,
  args: readonly string[] = [],
): Promise<RegistryProcess> {
  const began = performance.now();
  const argv = ['--port', '0', '--data', folder, '--publishes-per-minute', '1000000000', ...args];
  const child = spawn(process.execPath, [MAIN, ...argv], { stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = once(child, 'exit');
  const said: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => void said.push(line));
  const url = await Promise.race([listening(child), exited.then(() => null)]);
  if (url === null) throw new Error(`The registry ended before it listened.\n${said.join('\n')}`);
  const startMs = performance.now() - began;
  const startCpuMs = cpuMsOf(child.pid ?? 0);
  const isFirst = args.includes('--new-admin-token');
  const adminToken = isFirst ? await tokenIn(child, said) : null;
  const kill = async (signal: NodeJS.Signals = 'SIGKILL'): Promise<void> => {
    child.kill(signal);
    await exited;
  };
  return { child, url, startMs, startCpuMs, adminToken, kill, [Symbol.asyncDispose]: kill };
}

/** User and system time so far (proc(5): fields 14 and 15 of stat, in hundredths of a second). */
function cpuMsOf(pid: number): number {
  const text = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

async function listening({ stdout }: ChildProcess): Promise<string | null> {
  if (stdout === null) return null;
  const lines = createInterface({ input: stdout });
  return await new Promise((resolve) => {
    lines.on('line', (line) => {
      // SAFETY: every line of its log is an object.
      const { event, url } = JSON.parse(line) as { event?: string; url?: string };
      if (event === 'listening') resolve(url ?? null);
    });
    lines.on('close', () => resolve(null));
  });
}

const TOKEN = /^Admin token, shown this once: (\S+)$/u;

async function tokenIn({ stderr }: ChildProcess, said: readonly string[]): Promise<string> {
  for (;;) {
    const token = said.flatMap((line) => TOKEN.exec(line)?.[1] ?? [])[0];
    if (token !== undefined) return token;
    if (stderr === null) throw new Error('It says nothing.');
    await once(stderr, 'data');
  }
}
