import { HubError } from '@runtime-hub/plugin-sdk';
import type { Area } from '@runtime-hub/plugin-sdk/contract';
import type { Change, ChangeRequest, Frame, ScreenDriver } from './screen-driver.ts';

const POLL_MS = 50;

/** What is used of robotjs 0.9 (MIT, prebuilt for Windows and macOS). */
interface RobotScreen {
  getScreenSize(): { readonly width: number; readonly height: number };
  readonly screen: {
    capture(
      x: number,
      y: number,
      width: number,
      height: number,
    ): {
      readonly width: number;
      readonly height: number;
      readonly byteWidth: number;
      readonly bytesPerPixel: number;
      readonly image: Uint8Array;
    };
  };
}

/**
 * Sees the screen of Windows and macOS through robotjs, if it is installed. Written from its documentation and NEVER
 * RUN: this project's tests run on Linux only. There is no event for changed pixels here, so changes are found by
 * comparing captures every 50 ms; windows cannot be found by title.
 */
export function createNativeScreenDriver(platform: string): ScreenDriver {
  let loaded: Promise<RobotScreen> | null = null;
  const robot = (): Promise<RobotScreen> => (loaded ??= loadRobot(platform));
  const grab = async (area: Area): Promise<Frame> => capture(await robot(), area, platform);
  return {
    capture: grab,
    waitForChange: (request, signal) => poll(grab, request, signal),
    [Symbol.dispose]() {
      loaded = null;
    },
  };
}

async function loadRobot(platform: string): Promise<RobotScreen> {
  const name: string = 'robotjs';
  try {
    // SAFETY: robotjs 0.9 is CommonJS with these functions; it is no dependency, so there are no types to compare.
    const module = (await import(name)) as { readonly default: RobotScreen };
    return module.default;
  } catch (cause) {
    const message = `Seeing the screen on ${platform} needs the npm package robotjs 0.9 beside the hub; this driver has never been run on a real machine.`;
    throw new HubError('SCREEN_UNAVAILABLE', { message }, { cause });
  }
}

function capture(robot: RobotScreen, area: Area, platform: string): Frame {
  if (area.window !== undefined) {
    const message = `On ${platform} windows cannot be found by title yet; give coordinates of the screen.`;
    throw new HubError('SCREEN_UNAVAILABLE', { message });
  }
  const size = robot.getScreenSize();
  const x = Math.max(0, area.x ?? 0);
  const y = Math.max(0, area.y ?? 0);
  const right = Math.min(size.width, (area.x ?? 0) + (area.width ?? size.width));
  const bottom = Math.min(size.height, (area.y ?? 0) + (area.height ?? size.height));
  if (right <= x || bottom <= y) {
    throw new HubError('SCREEN_TARGET_NOT_FOUND', { target: 'part of the screen' });
  }
  const bitmap = robot.screen.capture(x, y, right - x, bottom - y);
  const scale = bitmap.width / (right - x);
  const { width, height } = bitmap;
  const bytes = withoutPadding(bitmap.image, width * 4, bitmap.byteWidth, height);
  const place = { x: Math.round(x * scale), y: Math.round(y * scale) };
  return { bytes, ...place, width, height, scale, takenAt: Date.now() };
}

function withoutPadding(
  image: Uint8Array,
  rowBytes: number,
  strideBytes: number,
  rows: number,
): Uint8Array {
  if (strideBytes === rowBytes) return image;
  const packed = new Uint8Array(rowBytes * rows);
  for (let row = 0; row < rows; row += 1) {
    const start = row * strideBytes;
    packed.set(image.subarray(start, start + rowBytes), row * rowBytes);
  }
  return packed;
}

async function poll(
  grab: (area: Area) => Promise<Frame>,
  request: ChangeRequest,
  signal: AbortSignal,
): Promise<Change> {
  const until = Date.now() + request.timeoutMs;
  const before = Buffer.from((await grab(request.area)).bytes);
  const change = Math.max(1, request.after);
  while (Date.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    signal.throwIfAborted();
    const frame = await grab(request.area);
    if (!before.equals(frame.bytes)) {
      return { change: change + 1, changedAt: frame.takenAt, timedOut: false };
    }
  }
  return { change, changedAt: until, timedOut: true };
}
