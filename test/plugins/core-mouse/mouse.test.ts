import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openDisplay, type TestDisplay, type TestWindow } from '../../support/display.ts';
import { createPluginHarness, type PluginHarness } from '../../support/plugin-harness.ts';
import type { MouseDriver } from '../../../plugins/core-mouse/mouse-driver.ts';
import { mousePlugin } from '../../../plugins/core-mouse/plugin.ts';
import { createX11MouseDriver } from '../../../plugins/core-mouse/x11-driver.ts';
import { screenPlugin } from '../../../plugins/core-screen/plugin.ts';
import type { ScreenDriver } from '../../../plugins/core-screen/screen-driver.ts';
import { createX11ScreenDriver } from '../../../plugins/core-screen/x11-driver.ts';

const WINDOW = 'Queue monitor';
const BUTTON = { window: WINDOW, x: 120, y: 120 };
const FIELD = { window: WINDOW, x: 0, y: 0, width: 300, height: 80 };

describe('mouse', () => {
  let display: TestDisplay;
  let window: TestWindow;
  let screen: ScreenDriver;
  let mouse: MouseDriver;
  let harness: PluginHarness;

  beforeAll(async () => {
    display = await openDisplay();
    window = await display.openWindow();
    screen = createX11ScreenDriver(display.name);
  });
  beforeEach(() => {
    mouse = createX11MouseDriver(display.name);
    harness = createPluginHarness([screenPlugin(() => screen), mousePlugin(() => mouse)]);
  });
  afterEach(() => mouse[Symbol.dispose]());
  afterAll(async () => {
    screen[Symbol.dispose]();
    await window[Symbol.asyncDispose]();
    await display[Symbol.asyncDispose]();
  });

  /** The window answers commands in order: when it painted, it has also told of every click before. */
  const clicks = async (): Promise<number> => {
    await window.paint(`#${Math.random().toString(16).slice(2, 8).padEnd(6, '0')}`, 'strip');
    return window.events.filter((event) => event.event === 'clicked').length;
  };

  test('a click presses the button that lies at the point of the window', async () => {
    const clicked = window.next('clicked');
    const { clicked: done } = await harness.run('core/mouse:click', BUTTON);
    expect(await clicked).toEqual({ event: 'clicked' });
    const place = await display.run('xdotool', 'getmouselocation');
    const { x, y } = done as { x: number; y: number };
    expect(place).toContain(`x:${String(x)} y:${String(y)} `);
  });

  test('the click goes with the window', async () => {
    await display.run('xdotool', 'windowmove', '--sync', window.id, '1000', '400');
    const clicked = window.next('clicked');
    await harness.run('core/mouse:click', BUTTON);
    await clicked;
  });

  test('a window that covers the point takes no click', async () => {
    const before = await clicks();
    await using cover = await display.openWindow({ title: 'Cover', x: 1000, y: 400 });
    await expect(harness.run('core/mouse:click', BUTTON)).rejects.toMatchObject({
      code: 'SCREEN_TARGET_CHANGED',
    });
    expect(await clicks()).toBe(before);
    expect(cover.events.some((event) => event.event === 'clicked')).toBe(false);
  });

  test('with “seen” it clicks when the picture is the same and not when it changed', async () => {
    const { image: seen } = await harness.run('core/screen:capture', FIELD);
    for (const config of [BUTTON, { ...BUTTON, watch: FIELD }]) {
      const clicked = window.next('clicked');
      await harness.run('core/mouse:click', config, { seen });
      await clicked;
    }
    await window.paint('#c0ffee');
    const before = await clicks();
    for (const config of [BUTTON, { ...BUTTON, watch: FIELD }]) {
      await expect(harness.run('core/mouse:click', config, { seen })).rejects.toMatchObject({
        code: 'SCREEN_TARGET_CHANGED',
      });
    }
    expect(await clicks()).toBe(before);
  });

  test('with “seen” a window that moved since takes no click', async () => {
    const { image: seen } = await harness.run('core/screen:capture', FIELD);
    await display.run('xdotool', 'windowmove', '--sync', window.id, '500', '300');
    const before = await clicks();
    await expect(harness.run('core/mouse:click', BUTTON, { seen })).rejects.toMatchObject({
      code: 'SCREEN_TARGET_CHANGED',
    });
    expect(await clicks()).toBe(before);
  });

  test('double, drag, scroll and move arrive as such', async () => {
    const at = { window: WINDOW, x: 50, y: 40 };
    const double = window.next('double');
    await harness.run('core/mouse:double', at);
    expect(await double).toMatchObject({ button: 1 });

    const [press, release] = [
      window.next('press', { button: 3 }),
      window.next('release', { button: 3 }),
    ];
    const to = { x: 250, y: 60 };
    await harness.run('core/mouse:drag', { ...at, to, button: 'right' });
    expect(await press).toMatchObject({ button: 3, x: 50, y: 40 });
    expect(await release).toMatchObject({ button: 3, x: 250, y: 60 });

    const scroll = window.next('scroll');
    await harness.run('core/mouse:scroll', { ...at, notches: -1 });
    expect(await scroll).toMatchObject({ direction: 'up' });

    const { moved } = await harness.run('core/mouse:move', { x: 7, y: 9 });
    expect(moved).toMatchObject({ x: 7, y: 9 });
  });

  test('a drag never leaves the window it begins in', async () => {
    const at = { window: WINDOW, x: 50, y: 40 };
    const pressed = window.events.filter((event) => event.event === 'press').length;
    for (const to of [
      { x: 400, y: 40 },
      { x: -20, y: 40 },
    ]) {
      await expect(harness.run('core/mouse:drag', { ...at, to })).rejects.toMatchObject({
        code: 'SCREEN_TARGET_CHANGED',
      });
    }
    const args = { action: 'drag', at, to: { x: 5, y: 5 }, button: 'left' };
    await expect(harness.call('input.mouse', 'act', args)).rejects.toThrow('must end in it');
    await clicks();
    expect(window.events.filter((event) => event.event === 'press').length).toBe(pressed);
  });

  test('points are logical pixels on a screen at 200 %', async () => {
    const dpi = ['-f', 'RESOURCE_MANAGER', '8s', '-set', 'RESOURCE_MANAGER', 'Xft.dpi:\t192'];
    await display.run('xprop', '-root', ...dpi);
    await using large = await display.openWindow({ title: 'Large', x: 1100, y: 500, scale: 2 });
    const clicked = large.next('clicked');
    const { image: seen } = await harness.run('core/screen:capture', { ...FIELD, window: 'Large' });
    await harness.run('core/mouse:click', { ...BUTTON, window: 'Large' }, { seen });
    await clicked;
    await display.run('xprop', '-root', '-remove', 'RESOURCE_MANAGER');
  });

  test('the panic key stops every act until a restart, also with Num Lock', async () => {
    await harness.run('core/mouse:move', { x: 1, y: 1 });
    const before = await clicks();
    await display.run('xdotool', 'key', 'Num_Lock', 'ctrl+shift+Escape', 'Num_Lock');
    await expect(harness.run('core/mouse:click', BUTTON)).rejects.toMatchObject({
      code: 'SCREEN_HALTED',
    });
    await expect(harness.run('core/mouse:move', { x: 1, y: 1 })).rejects.toMatchObject({
      code: 'SCREEN_HALTED',
    });
    expect(await clicks()).toBe(before);
    expect(harness.logged).toEqual([]);
  });

  test('it warns when another program holds the panic key, and goes on', async () => {
    mouse[Symbol.dispose]();
    // Another client's round trip: the server has noticed that the first is gone, and its grab with it.
    await display.run('xdotool', 'getmouselocation');
    using other = createX11MouseDriver(display.name);
    const signal = new AbortController().signal;
    await other.act(
      { action: 'move', at: { x: 3, y: 3 }, button: 'left' },
      { signal, warn: () => undefined },
    );
    mouse = createX11MouseDriver(display.name);
    await harness.run('core/mouse:move', { x: 1, y: 1 });
    await harness.run('core/mouse:move', { x: 2, y: 2 });
    expect(harness.logged).toEqual([
      'Another program holds Ctrl+Shift+Escape: it cannot stop the mouse.',
    ]);
  });
});

test('without a screen the mouse is unavailable', async () => {
  using driver = createX11MouseDriver(':4711');
  const harness = createPluginHarness([mousePlugin(() => driver)]);
  await expect(harness.run('core/mouse:move', { x: 1, y: 1 })).rejects.toMatchObject({
    code: 'SCREEN_UNAVAILABLE',
  });
});
