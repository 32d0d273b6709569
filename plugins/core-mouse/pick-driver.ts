import type { MouseDriver } from './mouse-driver.ts';
import { createNativeMouseDriver } from './native-driver.ts';
import { createX11MouseDriver } from './x11-driver.ts';

/** The driver for this platform: X11 on Linux, robotjs on Windows and macOS. */
export function pickMouseDriver(): MouseDriver {
  const { platform } = process;
  return platform === 'win32' || platform === 'darwin'
    ? createNativeMouseDriver(platform)
    : createX11MouseDriver();
}
