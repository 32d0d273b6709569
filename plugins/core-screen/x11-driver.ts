import type { Area } from '@runtime-hub/plugin-sdk/contract';
import {
  createX11Session,
  nameOf,
  placeArea,
  unavailable,
  type X11Connection,
} from '@runtime-hub/plugin-sdk/x11';
import { HubError } from '@runtime-hub/plugin-sdk';
import { createChangeWatch } from './change-watch.ts';
import type { Frame, ScreenDriver } from './screen-driver.ts';

const Z_PIXMAP = 2;
const ALL_PLANES = 0xff_ff_ff_ff;

/** Sees an X11 screen without native code. `display` as in DISPLAY, which is used when it is not given. */
export function createX11ScreenDriver(display?: string): ScreenDriver {
  const session = createX11Session(async (connection) => {
    checkPixels(connection);
    return await createChangeWatch(connection);
  }, display);
  return {
    async capture(area) {
      const { connection } = await session.use();
      return await capture(connection, area);
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

async function capture(connection: X11Connection, area: Area): Promise<Frame> {
  const { region, scale } = await placeArea(connection, area);
  const image = await connection.probe<{ readonly data: Buffer }>('GetImage', (client, reply) =>
    client.GetImage(
      Z_PIXMAP,
      connection.root,
      region.x,
      region.y,
      region.width,
      region.height,
      ALL_PLANES,
      reply,
    ),
  );
  const sizeBytes = region.width * region.height * 4;
  if (image === null || image.data.length < sizeBytes) {
    throw new HubError('SCREEN_TARGET_NOT_FOUND', { target: `part of ${nameOf(area.window)}` });
  }
  return { bytes: image.data.subarray(0, sizeBytes), ...region, scale, takenAt: Date.now() };
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
