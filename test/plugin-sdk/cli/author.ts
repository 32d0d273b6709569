import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '../../support/hub.ts';

const CLI = fileURLToPath(new URL('../../../plugin-sdk/cli/hub-plugin.mjs', import.meta.url));
const REGISTRY = fileURLToPath(new URL('../../../registry/main.ts', import.meta.url));

export interface Exit {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** An author with a folder and keys of their own, and the command as a shell would run it. */
export interface Author extends Disposable {
  readonly folder: string;
  readonly keys: string;
  run(args: readonly string[], how?: How): Promise<Exit>;
  start(args: readonly string[], how?: How): ChildProcess;
  /** As `run`, with --json; what it printed, parsed. Throws what it said when it failed. */
  json(args: readonly string[], how?: How): Promise<Readonly<Record<string, unknown>>>;
  /** The code of the error it ends with, and its exit code. */
  refusal(
    args: readonly string[],
    how?: How,
  ): Promise<{ readonly code: unknown; readonly exit: number | null }>;
  edit(file: string, change: (text: string) => string): void;
}

interface How {
  readonly in?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
}

export function makeAuthor(): Author {
  const home = temporaryFolder('author');
  const keys = join(home.path, 'keys');
  const start: Author['start'] = (args, { in: below = '.', env = {} } = {}) => {
    const { HUB_TOKEN: _token, HUB_REGISTRY: _registry, ...outer } = process.env;
    return spawn(process.execPath, [CLI, ...args], {
      cwd: join(home.path, below),
      env: { ...outer, HOME: home.path, HUB_PLUGIN_KEYS: keys, ...env },
    });
  };
  const run: Author['run'] = async (args, how) => {
    const child = start(args, how);
    child.stdin?.end(how?.input ?? '');
    const closed = once(child, 'close');
    const [out, err] = await Promise.all([textOf(child.stdout), textOf(child.stderr)]);
    await closed;
    return { code: child.exitCode, out, err };
  };
  return {
    folder: home.path,
    keys,
    run,
    start,
    async json(args, how) {
      const { code, out, err } = await run([...args, '--json'], how);
      if (code !== 0) throw new Error(`hub-plugin ${args.join(' ')}: ${out}${err}`);
      return JSON.parse(out) as Record<string, unknown>;
    },
    async refusal(args, how) {
      const { code: exit, err } = await run([...args, '--json'], how);
      const line = err.split('\n').find((it) => it.startsWith('{')) ?? '{}';
      return { code: (JSON.parse(line) as { code?: unknown }).code, exit };
    },
    edit(file, change) {
      const path = join(home.path, file);
      writeFileSync(path, change(existsSync(path) ? readFileSync(path, 'utf8') : ''));
    },
    [Symbol.dispose]: () => home[Symbol.dispose](),
  };
}

export interface RunningRegistry extends AsyncDisposable {
  readonly url: string;
  readonly adminToken: string;
}

/** A registry in a process of its own, with an empty data folder. */
export async function startRegistry(): Promise<RunningRegistry> {
  const folder = temporaryFolder('registry');
  const child = spawn(process.execPath, [REGISTRY, '--port', '0', '--data', folder.path]);
  let said = '';
  const { promise, resolve } = Promise.withResolvers<void>();
  const closed = once(child, 'close').then(() => resolve());
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (part: string) => {
      said += part;
      if (said.includes('"url"') && said.includes('shown this once: ') && said.endsWith('\n'))
        resolve();
    });
  await promise;
  const url = /"url":"([^"]+)"/u.exec(said)?.[1];
  const adminToken = /shown this once: (\S+)/u.exec(said)?.[1];
  if (url === undefined || adminToken === undefined) throw new Error(said);
  return {
    url,
    adminToken,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await closed;
      folder[Symbol.dispose]();
    },
  };
}

const textOf = async (stream: NodeJS.ReadableStream | null): Promise<string> =>
  stream === null ? '' : await text(stream);
