import { expect, test } from 'vitest';
import { displayName, scaleOf, titleFits } from '@runtime-hub/plugin-sdk/x11';
import { openDisplay } from '../../support/display.ts';
import { createX11ScreenDriver } from '../../../plugins/core-screen/x11-driver.ts';
import { createNativeScreenDriver } from '../../../plugins/core-screen/native-driver.ts';

test('without DISPLAY the screen is unavailable, and a Wayland session is named as such', () => {
  expect(displayName({ DISPLAY: ':5', WAYLAND_DISPLAY: 'wayland-0' })).toBe(':5');
  expect(() => displayName({})).toThrow('DISPLAY is not set');
  expect(() => displayName({ WAYLAND_DISPLAY: 'wayland-0' })).toThrow('Wayland session without X');
});

test('a display that nobody serves and one that is none are unavailable', async () => {
  for (const name of [':4711', 'nonsense']) {
    using driver = createX11ScreenDriver(name);
    await expect(driver.capture({})).rejects.toMatchObject({ code: 'SCREEN_UNAVAILABLE' });
  }
});

test('a server that dies ends what waits for it with SCREEN_UNAVAILABLE', async () => {
  await using display = await openDisplay({ size: '320x240', windowManager: false });
  using driver = createX11ScreenDriver(display.name);
  expect(await driver.capture({})).toMatchObject({ width: 320, height: 240 });
  const never = new AbortController().signal;
  const request = { area: {}, after: 0, timeoutMs: 60_000, caller: 'test' };
  let { change } = await driver.waitForChange({ ...request, timeoutMs: 1 }, never);
  for (let timedOut = false; !timedOut;) {
    // The server's first picture may still be under way.
    const asked = { ...request, after: change, timeoutMs: 250 };
    ({ change, timedOut } = await driver.waitForChange(asked, never));
  }
  const waiting = driver.waitForChange({ ...request, after: change }, never);
  display.server.kill('SIGKILL');
  await expect(waiting).rejects.toMatchObject({ code: 'SCREEN_UNAVAILABLE' });
  await expect(driver.capture({})).rejects.toMatchObject({ code: 'SCREEN_UNAVAILABLE' });
});

test('the driver for other platforms says what it needs and that it was never run', async () => {
  using driver = createNativeScreenDriver('win32');
  await expect(driver.capture({})).rejects.toThrow(/robotjs.*never been run/u);
});

test('the scale comes from Xft.dpi and is 1 when that makes no sense', () => {
  expect(scaleOf('Xcursor.size:\t24\nXft.dpi:\t144\nXft.hinting:\t1')).toBe(1.5);
  expect(scaleOf('')).toBe(1);
  expect(scaleOf('Xft.dpi: 0')).toBe(1);
});

test('a title fits when it is equal, or begins with what stands before a final star', () => {
  expect(titleFits('Queue monitor', 'Queue monitor')).toBe(true);
  expect(titleFits('Queue*', 'Queue monitor')).toBe(true);
  expect(titleFits('Queue', 'Queue monitor')).toBe(false);
  expect(titleFits('*', 'Anything')).toBe(true);
});
