import { HubError } from '@runtime-hub/plugin-sdk/contract';
import { openVirtualDisplay, type VirtualDisplay } from './display.ts';
import { openQueueMonitor, type QueueMonitor, type StageClick } from './queue-monitor.ts';

export { WINDOW_TITLE, type StageClick } from './queue-monitor.ts';

/** A screen with the “Queue monitor” on it. Closing it ends every process it started, and no other. */
export interface Stage extends AsyncDisposable {
  /** The X display, such as `:99`. */
  readonly display: string;
  /** Physical pixels per logical pixel. */
  readonly scale: number;
  /** Where the number and the button are: logical pixels relative to the window's content. */
  readonly boxes: QueueMonitor['boxes'];
  /** Shows another value `afterMs` from now; resolves with the time it was drawn, milliseconds since 1970. */
  show(value: string, options?: { readonly afterMs: number }): Promise<number>;
  /** Moves the window; logical pixels of the screen. */
  move(x: number, y: number): void;
  /** Presses of the button so far, oldest first. */
  clicks(): readonly StageClick[];
  /** Calls `listener` at each press; returns what stops it. */
  onClick(listener: (click: StageClick) => void): () => void;
  close(): Promise<void>;
}

export interface StageOptions {
  readonly scale: 1 | 2;
  /** Uses the display of this desktop instead of a virtual one; the caller asked its user before. */
  readonly onMyScreen?: boolean;
}

/** Opens the stage; throws SCREEN_UNAVAILABLE when there is no screen to use. */
export async function openStage(options: StageOptions): Promise<Stage> {
  await using opened = new AsyncDisposableStack();
  const display =
    options.onMyScreen === true
      ? myDisplay()
      : opened.use<VirtualDisplay>(await openVirtualDisplay(options.scale)).name;
  const env: NodeJS.ProcessEnv = { ...process.env, DISPLAY: display, GDK_BACKEND: 'x11' };
  if (options.onMyScreen !== true) env['GDK_SCALE'] = String(options.scale);
  const app = opened.use(await openQueueMonitor(env));
  const parts = opened.move();
  return {
    display,
    scale: app.scale,
    boxes: app.boxes,
    show: async (value, { afterMs } = { afterMs: 0 }) => await app.show(value, { afterMs }),
    move: (x, y) => app.move(x, y),
    clicks: () => app.clicks(),
    onClick: (listener) => app.onClick(listener),
    close: async () => await parts.disposeAsync(),
    [Symbol.asyncDispose]: async () => await parts.disposeAsync(),
  };
}

function myDisplay(): string {
  const display = process.env['DISPLAY'];
  if (display !== undefined && display !== '') return display;
  const message =
    process.env['WAYLAND_DISPLAY'] === undefined
      ? 'no X display: DISPLAY is not set'
      : 'this desktop is Wayland, which lets no program see the screen or click; log in to an X11 session';
  throw new HubError('SCREEN_UNAVAILABLE', { message });
}
