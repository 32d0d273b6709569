import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { Json } from '@runtime-hub/plugin-sdk/contract';

const HUB = fileURLToPath(new URL('../../studio/server/cli/hub.mjs', import.meta.url));

export interface Exit {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** A `hub` command in a process of its own; ended with its owner. */
export interface HubProcess extends AsyncDisposable {
  readonly child: ChildProcess;
  readonly exit: Promise<Exit>;
  /** The first line on standard output that fits, of all it said; rejects when the command ends without it. */
  line(fits: (line: string) => boolean): Promise<string>;
}

/** Starts `hub` with these words, exactly as a shell would. */
export function startHub(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): HubProcess {
  const child = spawn(process.execPath, [HUB, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const closed = once(child, 'close');
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  const err = text(child.stderr);
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    for (const look of waiting) look();
  });
  const exit = closed.then(async () => {
    return { code: child.exitCode, out: lines.join('\n'), err: await err };
  });
  return {
    child,
    exit,
    async line(fits) {
      const { promise, resolve } = Promise.withResolvers<string>();
      const look = (): void => {
        const found = lines.find(fits);
        if (found !== undefined) resolve(found);
      };
      waiting.add(look);
      look();
      const ended = exit.then(({ out, err: said }) => {
        throw new Error(`The command ended before that line.\n${out}\n${said}`);
      });
      try {
        return await Promise.race([promise, ended]);
      } finally {
        waiting.delete(look);
      }
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await exit;
    },
  };
}

/** Runs a `hub` command to its end. */
export async function hub(args: readonly string[]): Promise<Exit> {
  await using command = startHub(args);
  return await command.exit;
}

/** Standard output or error of a command with `--json`: one JSON value a line; throws on anything else. */
export function jsonLines(output: string): readonly Readonly<Record<string, Json>>[] {
  return output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      // SAFETY: every line that the command prints with --json is an object; a test looks at its fields.
      return JSON.parse(line) as Record<string, Json>;
    });
}
