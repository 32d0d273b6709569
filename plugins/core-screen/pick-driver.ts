import { createNativeScreenDriver } from './native-driver.ts';
import type { ScreenDriver } from './screen-driver.ts';
import { createX11ScreenDriver } from './x11-driver.ts';

/** The driver for this platform: X11 on Linux, robotjs on Windows and macOS. */
export function pickScreenDriver(): ScreenDriver {
  const { platform } = process;
  return platform === 'win32' || platform === 'darwin'
    ? createNativeScreenDriver(platform)
    : createX11ScreenDriver();
}
