import type { Area, Region } from '@runtime-hub/plugin-sdk/contract';
import {
  createX11Session,
  nameOf,
  placeArea,
  unavailable,
  type X11Connection,
} from '@runtime-hub/plugin-sdk/x11';
import { HubError } from '@runtime-hub/plugin-sdk';
import { createChangeWatch, sameRegion } from './change-watch.ts';
import type { Frame, ScreenDriver } from './screen-driver.ts';

const Z_PIXMAP = 2;
const ALL_PLANES = 0xff_ff_ff_ff;

/** Sees an X11 screen without native code. `display` as in DISPLAY, which is used when it is not given. */
export function createX11ScreenDriver(display?: string): ScreenDriver {
  const session = createX11Session(async (connection) => {
    checkPixels(connection);
    return await createChangeWatch(connection);
  }, display);
  const places: Places = new Map();
  return {
    async capture(area) {
      const { connection } = await session.use();
      return await capture(connection, area, places);
    },
    async waitForChange(request, signal) {
      const { prepared } = await session.use();
      return await prepared.wait(request, signal);
    },
    [Symbol.dispose]() {
      session[Symbol.dispose]();
    },
  };
}

/** Where areas were at the last capture. */
type Places = Map<string, Region>;

const MOST_PLACES = 1000;

/**
 * Asks where the area is and, in the same round trip, for the pixels of where it was last; the server answers in that
 * order, so they are right when it still is there, and asked for again when it is not.
 */
async function capture(connection: X11Connection, area: Area, places: Places): Promise<Frame> {
  const key = JSON.stringify(area);
  const before = places.get(key);
  const [{ region, scale }, early] = await Promise.all([
    placeArea(connection, area),
    before === undefined ? null : pixelsOf(connection, before),
  ]);
  const here = before !== undefined && sameRegion(before, region);
  const data = here ? early : await pixelsOf(connection, region);
  const sizeBytes = region.width * region.height * 4;
  if (data === null || data.length < sizeBytes) {
    throw new HubError('SCREEN_TARGET_NOT_FOUND', { target: `part of ${nameOf(area.window)}` });
  }
  if (places.size >= MOST_PLACES) places.clear();
  places.set(key, region);
  return { bytes: data.subarray(0, sizeBytes), ...region, scale, takenAt: Date.now() };
}

async function pixelsOf(
  connection: X11Connection,
  { x, y, width, height }: Region,
): Promise<Buffer | null> {
  const image = await connection.probe<{ readonly data: Buffer }>('GetImage', (client, reply) =>
    client.GetImage(Z_PIXMAP, connection.root, x, y, width, height, ALL_PLANES, reply),
  );
  return image?.data ?? null;
}

function checkPixels(connection: X11Connection): void {
  const { display } = connection;
  const depth = display.screen[0]?.root_depth ?? 0;
  const bits = display.format[String(depth)]?.bits_per_pixel;
  if (depth >= 24 && bits === 32 && display.image_byte_order === 0) return;
  throw unavailable(
    `The screen has ${String(depth)} bits of colour; 24 with 32 bits a pixel, little-endian, are needed.`,
  );
}
