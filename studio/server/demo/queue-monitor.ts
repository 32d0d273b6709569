import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { HubError } from '@runtime-hub/plugin-sdk/contract';
import { endChild, startChild } from './child.ts';

const PYTHON = '/usr/bin/python3';
const PROGRAM = fileURLToPath(new URL('./queue-monitor.py', import.meta.url));

/** Title of the window; the workflow is anchored to it. */
export const WINDOW_TITLE = 'Queue monitor';

/** Logical pixels, relative to the window's content. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A press of “Approve batch” as the application saw it: what it showed then; `at` in milliseconds since 1970. */
export interface StageClick {
  readonly at: number;
  readonly value: string;
}

type Ready = {
  readonly event: 'ready';
  readonly number: Box;
  readonly button: Box;
  readonly scale: number;
};
type Message =
  | Ready
  | { readonly event: 'painted'; readonly id: number; readonly at: number }
  | { readonly event: 'clicked'; readonly at: number; readonly value: string };

/** The window of queue-monitor.py and what happened to it. */
export interface QueueMonitor extends AsyncDisposable {
  readonly boxes: { readonly number: Box; readonly button: Box };
  /** Logical to physical pixels, as the window itself says. */
  readonly scale: number;
  show(value: string, options: { readonly afterMs: number }): Promise<number>;
  move(x: number, y: number): void;
  clicks(): readonly StageClick[];
  onClick(listener: (click: StageClick) => void): () => void;
}

/** Opens the window on the display of `env`; rejects when it closes before it is shown. */
export async function openQueueMonitor(env: NodeJS.ProcessEnv): Promise<QueueMonitor> {
  await using opened = new AsyncDisposableStack();
  const child = opened.adopt(
    await startChild(PYTHON, [PROGRAM], { env, stdio: ['pipe', 'pipe', 'inherit'] }),
    endChild,
  );
  const app = listenTo(child);
  const ready = await app.ready;
  const parts = opened.move();
  return {
    boxes: { number: ready.number, button: ready.button },
    scale: ready.scale,
    show: app.show,
    move: (x, y) => app.send({ move: [Math.round(x), Math.round(y)] }),
    clicks: () => [...app.clicks],
    onClick: (listener) => {
      app.listeners.add(listener);
      return () => app.listeners.delete(listener);
    },
    [Symbol.asyncDispose]: async () => await parts.disposeAsync(),
  };
}

function listenTo(child: ChildProcess) {
  const clicks: StageClick[] = [];
  const listeners = new Set<(click: StageClick) => void>();
  const painting = new Map<number, PromiseWithResolvers<number>>();
  const ready = Promise.withResolvers<Ready>();
  ready.promise.catch(() => undefined);
  let last = 0;
  const send = (command: object): void => {
    child.stdin?.write(`${JSON.stringify(command)}\n`);
  };
  const onMessage = (message: Message): void => {
    if (message.event === 'ready') return ready.resolve(message);
    if (message.event === 'painted') {
      painting.get(message.id)?.resolve(message.at);
      painting.delete(message.id);
      return;
    }
    const click = { at: message.at, value: message.value };
    clicks.push(click);
    for (const listener of listeners) listener(click);
  };
  const onEnd = (): void => {
    const error = new HubError('SCREEN_UNAVAILABLE', { message: `“${WINDOW_TITLE}” was closed` });
    ready.reject(error);
    for (const waiting of painting.values()) waiting.reject(error);
    painting.clear();
  };
  const show = async (value: string, options: { readonly afterMs: number }): Promise<number> => {
    last += 1;
    const painted = Promise.withResolvers<number>();
    painting.set(last, painted);
    send({ show: value, id: last, afterMs: options.afterMs });
    return await painted.promise;
  };
  receive(child, onMessage, onEnd);
  return { clicks, listeners, ready: ready.promise, send, show };
}

function receive(child: ChildProcess, onMessage: (it: Message) => void, onEnd: () => void): void {
  child.stdin?.on('error', onEnd);
  child.once('exit', onEnd);
  if (child.stdout === null) return;
  const lines = createInterface({ input: child.stdout });
  // SAFETY: the other side is our own queue-monitor.py, whose messages `Message` lists.
  lines.on('line', (line) => onMessage(JSON.parse(line) as Message));
}
