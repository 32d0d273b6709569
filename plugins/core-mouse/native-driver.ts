import { HubError } from '@runtime-hub/plugin-sdk';
import type { Point } from '@runtime-hub/plugin-sdk/contract';
import type { Acted, MouseAct, MouseDriver } from './mouse-driver.ts';

/** What is used of robotjs 0.9 (MIT, prebuilt for Windows and macOS). */
interface RobotMouse {
  setMouseDelay(ms: number): void;
  moveMouse(x: number, y: number): void;
  dragMouse(x: number, y: number): void;
  mouseClick(button: string, double: boolean): void;
  mouseToggle(down: 'down' | 'up', button: string): void;
  scrollMouse(x: number, y: number): void;
}

/**
 * Moves and presses on Windows and macOS through robotjs, if it is installed. Written from its documentation and
 * NEVER RUN: this project's tests run on Linux only. It finds no windows by title and has no panic key.
 */
export function createNativeMouseDriver(platform: string): MouseDriver {
  let loaded: Promise<RobotMouse> | null = null;
  let warned = false;
  return {
    async act(act, { signal, warn }) {
      loaded ??= loadRobot(platform);
      const robot = await loaded;
      signal.throwIfAborted();
      if (!warned) {
        warned = true;
        warn(`The mouse driver for ${platform} was never run by its authors and has no panic key.`);
      }
      return perform(robot, act, platform);
    },
    [Symbol.dispose]() {
      loaded = null;
    },
  };
}

async function loadRobot(platform: string): Promise<RobotMouse> {
  const name: string = 'robotjs';
  try {
    // SAFETY: robotjs 0.9 is CommonJS with these functions; it is no dependency, so there are no types to compare.
    const module = (await import(name)) as { readonly default: RobotMouse };
    module.default.setMouseDelay(0);
    return module.default;
  } catch (cause) {
    const message = `Moving the mouse on ${platform} needs the npm package robotjs 0.9 beside the hub; this driver has never been run on a real machine.`;
    throw new HubError('SCREEN_UNAVAILABLE', { message }, { cause });
  }
}

function perform(robot: RobotMouse, act: MouseAct, platform: string): Acted {
  const at = onScreen(act.at, platform);
  const to = onScreen(act.to ?? act.at, platform);
  robot.moveMouse(at.x, at.y);
  switch (act.action) {
    case 'move':
      break;
    case 'click':
    case 'double':
      robot.mouseClick(act.button, act.action === 'double');
      break;
    case 'drag':
      robot.mouseToggle('down', act.button);
      robot.dragMouse(to.x, to.y);
      robot.mouseToggle('up', act.button);
      break;
    case 'scroll':
      robot.scrollMouse(0, -(act.notches ?? 0));
      break;
  }
  return { x: at.x, y: at.y, actedAt: Date.now() };
}

function onScreen(point: Point, platform: string): { readonly x: number; readonly y: number } {
  if (point.window === undefined) return point;
  const message = `On ${platform} windows cannot be found by title yet; give coordinates of the screen.`;
  throw new HubError('SCREEN_UNAVAILABLE', { message });
}
