import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, writeFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HostFrame, HubFrame, SegmentStep } from '@runtime-hub/plugin-sdk/contract';
import {
  FrameDecoder,
  encodeFrame,
  parseFrameText,
  pluginId,
} from '@runtime-hub/plugin-sdk/contract';
import { ISOLATE_HOST, PROCESS_HOST } from '@runtime-hub/plugin-sdk/runtime';
import {
  PYTHON_HOST,
  PYTHON_SOURCES,
  findPython,
  pythonCommand,
} from '../../../plugin-sdk/hosting/jail/python.ts';

export type FrameOf<T extends HostFrame['t']> = Extract<HostFrame, { t: T }>;

/** A real host process with the least a hub must do to talk to it; no jail. */
export interface HostClient extends AsyncDisposable {
  readonly frames: HostFrame[];
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null }>;
  send(frame: HubFrame): void;
  /** The first frame, past or future, that fits; rejects when the host ends before. */
  wait<T extends HostFrame['t']>(t: T, fits?: (frame: FrameOf<T>) => boolean): Promise<FrameOf<T>>;
  reply(id: number): Promise<FrameOf<'reply'>>;
  load(source: string): Promise<FrameOf<'reply'>>;
  /** Ends the hub's side of the channel. */
  hangUp(): void;
}

export type HostKind = 'isolate' | 'process' | 'python';

/** Starts an isolate host, or a process or Python host on a folder with `source` as its plugin.js or plugin.py. */
export async function startHost(
  kind: HostKind,
  source = '',
  env: Record<string, string> = {},
): Promise<HostClient> {
  const folder = await mkdtemp(join(tmpdir(), 'host-'));
  await writeFile(join(folder, kind === 'python' ? 'plugin.py' : 'plugin.js'), source);
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  const [program = '', ...argv] = await commandOf(kind, folder);
  const child = spawn(program, argv, {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    env,
  });
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal }));
  // SAFETY: 'pipe' at index 3 is a duplex socket.
  const socket = child.stdio[3] as Socket;
  socket.on('error', () => {});
  const frames: HostFrame[] = [];
  const watchers = new Set<(frame: HostFrame) => void>();
  const decoder = new FrameDecoder();
  socket.on('data', (chunk: Buffer) => {
    for (const text of decoder.push(chunk)) {
      const frame = parseFrameText(text) as HostFrame;
      frames.push(frame);
      for (const watch of watchers) watch(frame);
    }
  });
  const stderr: string[] = [];
  child.stderr?.on('data', (chunk: Buffer) => stderr.push(chunk.toString()));
  child.stdout?.resume();
  const client: HostClient = {
    frames,
    ended,
    send: (frame) => void socket.write(encodeFrame(frame)),
    wait: (t, fits = () => true) =>
      new Promise((resolve, reject) => {
        const watch = (frame: HostFrame) => {
          if (frame.t !== t || !fits(frame as never)) return;
          watchers.delete(watch);
          resolve(frame as never);
        };
        watchers.add(watch);
        for (const frame of frames) watch(frame);
        void ended.then(({ code, signal }) => {
          reject(new Error(`host ended (${code} ${signal}) ${stderr.join('')}`));
        });
      }),
    reply: (id) => client.wait('reply', (frame) => frame.id === id),
    load: (text) => {
      const limits = { memoryMb: 32, entryMs: 200 };
      const plugin = pluginId('acme/test');
      client.send({ t: 'load', id: 1, plugin, source: text, last: true, ...limits });
      return client.reply(1);
    },
    hangUp: () => void socket.destroy(),
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
  await client.wait('hello');
  return client;
}

let python: ReturnType<typeof findPython> | null = null;

async function commandOf(kind: HostKind, folder: string): Promise<readonly string[]> {
  if (kind === 'isolate')
    return [process.execPath, '--no-node-snapshot', '--jitless', ISOLATE_HOST];
  if (kind === 'process') return [process.execPath, PROCESS_HOST, folder];
  const here = new Map([
    [PYTHON_HOST, join(PYTHON_SOURCES, 'host.py')],
    ['/plugin', folder],
  ]);
  python ??= findPython();
  return pythonCommand(await python).map((word) => here.get(word) ?? word);
}

/** plugin.js with the given nodes (and more fields), as a packed plugin would hold it. */
export function pluginText(nodes: string, more = '', before = ''): string {
  return `${before}
    const node = (type, run, more = {}) => ({ type, title: type, effect: 'pure', config: { type: 'object' },
      inputs: { in: {} }, outputs: { out: {} }, run, ...more });
    export default { id: 'acme/test', version: '1.0.0', title: 'Test', description: '', engine: '*',
      runtime: 'isolate', permissions: [], nodes: [${nodes}], ${more} };`;
}

export function step(node: string, type: string, more: Partial<SegmentStep> = {}): SegmentStep {
  return { node, type: `acme/test:${type}`, config: {}, inputs: {}, links: {}, ...more };
}

export function run(
  id: number,
  segment: string,
  more: Partial<Extract<HubFrame, { t: 'run' }>> = {},
) {
  const facts = { run: 'run-0001', workflow: 'w', values: {}, deadlineMs: 5000 };
  return { t: 'run', id, segment, ...facts, ...more } as const;
}
