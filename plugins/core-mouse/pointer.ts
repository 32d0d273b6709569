import { HubError } from '@runtime-hub/plugin-sdk';
import type { TestExtension, X11Connection } from '@runtime-hub/plugin-sdk/x11';
import type { MouseAct } from './mouse-driver.ts';

const PRESS = 4;
const RELEASE = 5;
const MOTION = 6;
const BUTTONS = { left: 1, middle: 2, right: 3 } as const;
const WHEEL_UP = 4;
const WHEEL_DOWN = 5;
const DRAG_STEPS = 12;
/** Toolkits read motion once a frame; faster steps would melt into one. */
const DRAG_STEP_MS = 8;

interface Spot {
  readonly x: number;
  readonly y: number;
}
type Button = MouseAct['button'];

/** The pointer of one screen; points in physical pixels. Nothing waits but `drag` and `confirm`. */
export interface Pointer {
  move(to: Spot): void;
  press(button: Button): void;
  click(button: Button): void;
  scroll(notches: number): void;
  /** Goes to `to` in steps with the button held and lets go, also when `checkGo` throws on the way. */
  drag(to: Spot, button: Button, checkGo: () => void): Promise<void>;
  /** Resolves when the server did all that; rejects with SCREEN_TARGET_CHANGED when the pointer is not at `at`. */
  confirm(at: Spot): Promise<void>;
}

export function createPointer(connection: X11Connection, extension: TestExtension): Pointer {
  const fake = (type: number, detail: number, spot: Spot = { x: 0, y: 0 }): void =>
    extension.FakeInput(type, detail, 0, connection.root, spot.x, spot.y);
  const tap = (button: number): void => {
    fake(PRESS, button);
    fake(RELEASE, button);
  };
  let where: Spot = { x: 0, y: 0 };
  const move = (to: Spot): void => {
    fake(MOTION, 0, to);
    where = to;
  };
  return {
    move,
    press: (button) => fake(PRESS, BUTTONS[button]),
    click: (button) => tap(BUTTONS[button]),
    scroll(notches) {
      for (let left = Math.abs(notches); left > 0; left -= 1)
        tap(notches < 0 ? WHEEL_UP : WHEEL_DOWN);
    },
    async drag(to, button, checkGo) {
      const from = where;
      try {
        for (let step = 1; step <= DRAG_STEPS; step += 1) {
          await new Promise((resolve) => setTimeout(resolve, DRAG_STEP_MS));
          checkGo();
          move(between(from, to, step / DRAG_STEPS));
          await connection.sync();
        }
      } finally {
        if (!connection.closed) fake(RELEASE, BUTTONS[button]);
      }
    },
    confirm: (at) => confirm(connection, at),
  };
}

async function confirm(connection: X11Connection, at: Spot): Promise<void> {
  const found = await connection.ask<{ readonly rootX: number; readonly rootY: number }>(
    'QueryPointer',
    (client, reply) => client.QueryPointer(connection.root, reply),
  );
  if (found.rootX === at.x && found.rootY === at.y) return;
  const detail = `it is held at ${String(found.rootX)}, ${String(found.rootY)}`;
  throw new HubError('SCREEN_TARGET_CHANGED', { target: 'The pointer', detail });
}

function between(from: Spot, to: Spot, part: number): Spot {
  return {
    x: Math.round(from.x + (to.x - from.x) * part),
    y: Math.round(from.y + (to.y - from.y) * part),
  };
}
