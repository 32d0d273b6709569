import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import type { Role } from './tutorial-script.ts';

const ROOT = resolve(import.meta.dirname, '../..');

/** What a command printed on both outputs, and how it ended. */
export interface Said {
  readonly code: number | null;
  readonly output: string;
}

/** A command that goes on. */
export interface Running {
  readonly line: string;
  readonly ended: Promise<Said>;
  /** Everything printed so far, as soon as `fits` it; what it printed to its end otherwise. */
  until(fits: (output: string) => boolean): Promise<string>;
  stop(): Promise<Said>;
}

/** Three machines, each with a home of its own, and bash with the commands of this clone. */
export class Stage implements AsyncDisposable {
  readonly #folder: string;
  readonly #places = new Map<Role, string>();
  readonly #running = new Map<string, Running>();
  readonly #words = new Map<string, string>();

  constructor(folder: string) {
    this.#folder = folder;
    const bin = join(folder, 'bin');
    mkdirSync(bin);
    symlinkSync(process.execPath, join(bin, 'node'));
    symlinkSync(join(ROOT, 'plugin-sdk/cli/hub-plugin.mjs'), join(bin, 'hub-plugin'));
    symlinkSync(join(ROOT, 'studio/server/cli/hub.mjs'), join(bin, 'hub'));
    for (const role of ['author', 'user', 'registry'] as const) {
      mkdirSync(join(folder, role));
      this.#places.set(role, join(folder, role));
    }
  }

  /** From now on commands read the second where the tutorial says the first. */
  replace(said: string, meant: string): void {
    this.#words.set(said, meant);
  }

  place(role: Role): string {
    return this.#places.get(role) ?? this.#folder;
  }

  writeFile(role: Role, name: string, text: string): void {
    const file = join(this.place(role), name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, this.#meant(text));
  }

  /** Runs one line to its end; the next of this role begins in the folder where this one ended. */
  async run(role: Role, line: string): Promise<Said> {
    const child = this.#start(role, `${line}\nstatus=$?\npwd >&3\nexit $status`);
    const pwd = textOf(child.stdio[3]);
    const said = await saidBy(child).ended;
    this.#places.set(role, (await pwd).trim() || this.place(role));
    return said;
  }

  begin(role: Role, line: string): Running {
    const child = this.#start(role, `exec 3>&-\nexec ${line}`);
    const running = { line, ...saidBy(child) };
    this.#running.set(`${role} ${line}`, running);
    return running;
  }

  running(role: Role, line: string): Running {
    const running = this.#running.get(`${role} ${line}`);
    if (running === undefined) throw new Error(`“${line}” was not started in the background.`);
    return running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#running.values()].map(async (it) => await it.stop()));
  }

  #start(role: Role, script: string): ChildProcess {
    const home = join(this.#folder, role);
    const path = [join(this.#folder, 'bin'), process.env['PATH'] ?? ''].join(delimiter);
    return spawn('bash', ['-c', this.#meant(script)], {
      cwd: this.place(role),
      env: { HOME: home, PATH: path, LANG: 'C.UTF-8', npm_config_update_notifier: 'false' },
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    });
  }

  #meant(text: string): string {
    return [...this.#words].reduce((sum, [said, meant]) => sum.replaceAll(said, meant), text);
  }
}

function saidBy(child: ChildProcess): Omit<Running, 'line'> {
  let output = '';
  const waiting = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      for (const look of waiting) look();
    });
  const ended = once(child, 'close').then(() => ({ code: child.exitCode, output }));
  return {
    ended,
    async until(fits) {
      const { promise, resolve: tell } = Promise.withResolvers<string>();
      const look = (): void => {
        if (fits(output)) tell(output);
      };
      waiting.add(look);
      look();
      try {
        return await Promise.race([promise, ended.then((it) => it.output)]);
      } finally {
        waiting.delete(look);
      }
    },
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      return await ended;
    },
  };
}

async function textOf(stream: unknown): Promise<string> {
  let text = '';
  // SAFETY: the fourth of the child's pipes, which is read here alone.
  for await (const part of stream as AsyncIterable<Buffer>) text += part.toString('utf8');
  return text;
}
