import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { Readable } from 'node:stream';
import readline from 'node:readline';
import { promisify } from 'node:util';
import { openX11, property } from '@runtime-hub/plugin-sdk/x11';

const PROPERTY_CHANGE = 0x40_00_00;
const run = promisify(execFile);

/** A virtual screen with a window manager, ended by pid when it is disposed. */
export interface TestDisplay extends AsyncDisposable {
  /** As in DISPLAY. */
  readonly name: string;
  readonly env: Readonly<Record<string, string>>;
  /** Xvfb alone, for tests in which the server dies. */
  readonly server: ChildProcess;
  /** Runs a program on the screen and gives what it printed. */
  run(program: string, ...args: readonly string[]): Promise<string>;
  openWindow(options?: Partial<WindowOptions>): Promise<TestWindow>;
}

export interface WindowOptions {
  readonly title: string;
  readonly x: number;
  readonly y: number;
  /** GDK_SCALE. */
  readonly scale: number;
}

/** The window of test/support/window.py. */
export interface TestWindow extends AsyncDisposable {
  readonly title: string;
  /** Window id for xdotool. */
  readonly id: string;
  /** Everything it said so far. */
  readonly events: readonly WindowEvent[];
  send(command: object): void;
  /** Resolves with the first event of that name from now on, or of all, that has these values. */
  next(
    name: string,
    fits?: { readonly from?: 'start'; readonly button?: number },
  ): Promise<WindowEvent>;
  /** Sends and resolves when it was painted. */
  paint(color: string, field?: 'field' | 'strip'): Promise<void>;
}

export interface WindowEvent {
  readonly event: string;
  readonly [key: string]: unknown;
}

export async function openDisplay(
  options: { readonly size?: string; readonly windowManager?: boolean } = {},
): Promise<TestDisplay> {
  const stack = new AsyncDisposableStack();
  const { size = '1920x1080', windowManager = true } = options;
  const server = spawn(
    'Xvfb',
    ['-displayfd', '3', '-screen', '0', `${size}x24`, '-nolisten', 'tcp', '-noreset'],
    { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] },
  );
  stack.defer(() => end(server));
  // SAFETY: the fourth entry of stdio is a pipe that the child writes to.
  const number = await firstLine(server.stdio[3] as Readable, () => true);
  const name = `:${number.trim()}`;
  const env = { DISPLAY: name, PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '/' };
  if (windowManager) await startWindowManager(env, stack);
  return {
    name,
    env,
    server,
    run: async (program, ...args) => (await run(program, [...args], { env })).stdout,
    openWindow: (window = {}) => openWindow(env, window),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

async function startWindowManager(
  env: Readonly<Record<string, string>>,
  stack: AsyncDisposableStack,
): Promise<void> {
  using connection = await openX11(env['DISPLAY'] ?? '');
  const isReady = async (): Promise<boolean> => {
    const found = await property(connection, connection.root, '_NET_SUPPORTING_WM_CHECK');
    return (found?.data.length ?? 0) > 0;
  };
  const { promise, resolve } = Promise.withResolvers<void>();
  connection.onEvent(() => {
    isReady().then(
      (ready) => (ready ? resolve() : undefined),
      () => undefined,
    );
  });
  connection.client.ChangeWindowAttributes(connection.root, { eventMask: PROPERTY_CHANGE });
  await connection.sync();
  const manager = spawn('openbox', ['--sm-disable'], { env, stdio: 'ignore' });
  stack.defer(() => end(manager));
  await promise;
}

async function openWindow(
  env: Readonly<Record<string, string>>,
  options: Partial<WindowOptions>,
): Promise<TestWindow> {
  const { title = 'Queue monitor', x = 200, y = 150, scale = 1 } = options;
  const script = path.join(import.meta.dirname, 'window.py');
  const child = spawn('/usr/bin/python3', [script, title, String(x), String(y)], {
    env: { ...env, GDK_SCALE: String(scale), GDK_BACKEND: 'x11', NO_AT_BRIDGE: '1' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const events: WindowEvent[] = [];
  const waiting = new Set<() => void>();
  readline.createInterface(child.stdout).on('line', (line) => {
    // SAFETY: our own script writes these lines.
    events.push(JSON.parse(line) as WindowEvent);
    for (const look of waiting) look();
  });
  const next: TestWindow['next'] = (name, { from, button } = {}) =>
    new Promise((resolve) => {
      const since = from === 'start' ? 0 : events.length;
      const look = (): void => {
        const found = events
          .slice(since)
          .find((it) => it.event === name && (button === undefined || it['button'] === button));
        if (found === undefined) return;
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      look();
    });
  const send = (command: object): void => void child.stdin.write(`${JSON.stringify(command)}\n`);
  await next('painted', { from: 'start' });
  await next('shown', { from: 'start' });
  const found = await run('xdotool', ['search', '--sync', '--name', `^${title}$`], { env });
  return {
    title,
    id: found.stdout.trim().split('\n').at(-1) ?? '',
    events,
    send,
    next,
    async paint(color, field = 'field') {
      const painted = next('painted');
      send({ color, field });
      await painted;
    },
    [Symbol.asyncDispose]: () => end(child),
  };
}

async function firstLine(stream: Readable, fits: (line: string) => boolean): Promise<string> {
  for await (const line of readline.createInterface(stream)) if (fits(line)) return line;
  throw new Error('The program ended before it was ready.');
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}
