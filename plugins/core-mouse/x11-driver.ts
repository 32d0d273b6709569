import { HubError } from '@runtime-hub/plugin-sdk';
import type { Point } from '@runtime-hub/plugin-sdk/contract';
import {
  createX11Session,
  isWindowAt,
  nameOf,
  placePoint,
  type PlacedPoint,
  type TestExtension,
  type X11Connection,
} from '@runtime-hub/plugin-sdk/x11';
import type { Acted, ActOptions, MouseAct, MouseDriver } from './mouse-driver.ts';
import { PANIC_KEY, watchPanicKey } from './panic-key.ts';
import { createPointer, type Pointer } from './pointer.ts';

/** Moves and presses on X11 by the XTEST extension, without native code. `display` as in DISPLAY. */
export function createX11MouseDriver(display?: string): MouseDriver {
  let halted = false;
  let warned = false;
  let last: Promise<unknown> = Promise.resolve();
  const session = createX11Session(async (connection) => {
    const extension = await connection.ask<TestExtension>('XTEST', (client, reply) =>
      client.require('xtest', reply),
    );
    const guarded = await watchPanicKey(connection, () => {
      halted = true;
    });
    return { pointer: createPointer(connection, extension), guarded };
  }, display);

  // A display that is not there is the first act's error.
  void session.use().catch(ignored);
  const checkGo = (signal: AbortSignal): void => {
    signal.throwIfAborted();
    if (halted) throw new HubError('SCREEN_HALTED', { reason: `${PANIC_KEY} was pressed` });
  };

  const perform = async (act: MouseAct, { signal, warn }: ActOptions): Promise<Acted> => {
    checkGo(signal);
    const { connection, prepared } = await session.use();
    if (!prepared.guarded && !warned) {
      warned = true;
      warn(`Another program holds ${PANIC_KEY}: it cannot stop the mouse.`);
    }
    const points = await place(connection, act);
    await aim(connection, prepared.pointer, act, points, () => checkGo(signal));
    const { x, y } = points.at;
    return { x, y, actedAt: Date.now() };
  };

  return {
    act(act, options) {
      // One act at a time: two at once would tear each other's pointer away.
      const turn = last.then(() => perform(act, options));
      last = turn.catch(ignored);
      return turn;
    },
    [Symbol.dispose]: () => session[Symbol.dispose](),
  };
}

const ignored = (): undefined => undefined;

interface Points {
  readonly at: PlacedPoint;
  readonly to: PlacedPoint;
}

async function place(connection: X11Connection, act: MouseAct): Promise<Points> {
  const at = await placePoint(connection, act.at);
  const to = act.to === undefined ? at : await placePoint(connection, act.to);
  return { at, to };
}

/** While it looks and presses no other program can put a window in between: the server serves nobody else. */
async function aim(
  connection: X11Connection,
  pointer: Pointer,
  act: MouseAct,
  points: Points,
  checkGo: () => void,
): Promise<void> {
  connection.client.GrabServer();
  try {
    pointer.move(points.at);
    await Promise.all([checkWindow(connection, act, points), pointer.confirm(points.at)]);
    checkGo();
    press(pointer, act);
  } finally {
    if (!connection.closed) connection.client.UngrabServer();
  }
  if (act.action === 'drag') await pointer.drag(points.to, act.button, checkGo);
  await connection.sync();
}

/** Throws unless what lies at both points is the window that the act was asked, and allowed, for. */
async function checkWindow(
  connection: X11Connection,
  act: MouseAct,
  { at, to }: Points,
): Promise<void> {
  if (at.window === null) return;
  const target = nameOf(act.at.window);
  if (to.window !== at.window) {
    const detail = 'a drag that begins in a window must end in it';
    throw new HubError('SCREEN_TARGET_CHANGED', { target, detail });
  }
  for (const [spot, point] of spotsOf(act, { at, to })) {
    if (await isWindowAt(connection, at.window, spot)) continue;
    const detail = `something else is at ${String(point.x)}, ${String(point.y)}`;
    throw new HubError('SCREEN_TARGET_CHANGED', { target, detail });
  }
}

function spotsOf(act: MouseAct, { at, to }: Points): readonly (readonly [PlacedPoint, Point])[] {
  return act.to === undefined
    ? [[at, act.at]]
    : [
        [at, act.at],
        [to, act.to],
      ];
}

function press(pointer: Pointer, act: MouseAct): void {
  switch (act.action) {
    case 'move':
      break;
    case 'click':
      pointer.click(act.button);
      break;
    case 'double':
      pointer.click(act.button);
      pointer.click(act.button);
      break;
    case 'drag':
      pointer.press(act.button);
      break;
    case 'scroll':
      pointer.scroll(act.notches ?? 0);
      break;
  }
}
