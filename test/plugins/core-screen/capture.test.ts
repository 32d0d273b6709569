import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ImageHandle } from '@runtime-hub/plugin-sdk/contract';
import { FIELD, openScreenStage, type ScreenStage } from './screen-stage.ts';

describe('capture', () => {
  let stage: ScreenStage;
  let display: ScreenStage['display'];
  let window: ScreenStage['window'];
  let harness: ScreenStage['harness'];

  beforeAll(async () => {
    stage = await openScreenStage();
    ({ display, window, harness } = stage);
  });
  afterAll(async () => await stage[Symbol.asyncDispose]());

  const capture = async (area: object): Promise<ImageHandle> => {
    const { image } = await harness.run('core/screen:capture', area);
    // SAFETY: the harness checked the operation's result.
    return image as unknown as ImageHandle;
  };
  const colors = (image: ImageHandle): readonly string[] => {
    const bytes = Buffer.from(harness.blob(image.blob));
    const seen = new Set<string>();
    for (let at = 0; at < bytes.length; at += 4)
      seen.add(bytes.subarray(at, at + 3).toString('hex'));
    return [...seen];
  };

  test('gives exactly the pixels of the part of the window that was asked for', async () => {
    await window.paint('#204060');
    const image = await capture(FIELD);
    expect(image).toMatchObject({ width: 300, height: 80, format: 'bgrx', scale: 1 });
    expect(image.blob.sizeBytes).toBe(300 * 80 * 4);
    expect(colors(image)).toEqual(['604020']);
    const wider = await capture({ ...FIELD, height: 81 });
    expect(colors(wider).length).toBe(2);
  });

  test('follows the window to where it was moved', async () => {
    await window.paint('#112233');
    const before = await capture(FIELD);
    await display.run('xdotool', 'windowmove', '--sync', window.id, '700', '500');
    const after = await capture(FIELD);
    expect([after.x, after.y]).not.toEqual([before.x, before.y]);
    expect(after.blob.sha256).toBe(before.blob.sha256);
  });

  test('finds a window by the beginning of its title', async () => {
    const image = await capture({ window: 'Queue*' });
    expect([image.width, image.height]).toEqual([300, 200]);
  });

  test('clamps to the screen and never shows what lies outside the window', async () => {
    await display.run('xdotool', 'windowmove', '--sync', window.id, '1800', '500');
    const image = await capture(FIELD);
    expect(image.x + image.width).toBe(1920);
    expect(image.width).toBeLessThan(300);
    await display.run('xdotool', 'windowmove', '--sync', window.id, '200', '150');
    const inside = await capture({ ...FIELD, x: -50, y: 0, width: 1000 });
    expect(inside.width).toBe(300);
    const screen = await capture({ x: 1900, y: 1070, width: 500, height: 500 });
    expect([screen.width, screen.height]).toEqual([20, 10]);
  });

  test('refuses an area of which nothing is on the screen, and a window that is not there', async () => {
    const off = { x: 3000, y: 10, width: 10, height: 10 };
    await expect(capture(off)).rejects.toMatchObject({ code: 'SCREEN_TARGET_NOT_FOUND' });
    const beside = { window: 'Queue monitor', x: 400, y: 0, width: 10, height: 10 };
    await expect(capture(beside)).rejects.toMatchObject({ code: 'SCREEN_TARGET_NOT_FOUND' });
    await expect(capture({ window: 'Nobody' })).rejects.toMatchObject({
      code: 'SCREEN_TARGET_NOT_FOUND',
      message: 'There is no window “Nobody” on the screen',
    });
  });

  test('takes logical pixels on a screen at 200 %', async () => {
    await display.run(
      ...(['xprop', '-root', '-f', 'RESOURCE_MANAGER', '8s'] as const),
      ...(['-set', 'RESOURCE_MANAGER', 'Xft.dpi:\t192'] as const),
    );
    await using large = await display.openWindow({ title: 'Large', x: 300, y: 300, scale: 2 });
    await large.paint('#00ff00');
    const image = await capture({ ...FIELD, window: 'Large' });
    expect(image).toMatchObject({ width: 600, height: 160, scale: 2 });
    expect(colors(image)).toEqual(['00ff00']);
    await display.run('xprop', '-root', '-remove', 'RESOURCE_MANAGER');
  });
});
