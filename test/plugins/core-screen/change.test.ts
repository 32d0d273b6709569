import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Json } from '@runtime-hub/plugin-sdk/contract';
import { FIELD, openScreenStage, type ScreenStage } from './screen-stage.ts';

describe('changes', () => {
  let stage: ScreenStage;
  let display: ScreenStage['display'];
  let window: ScreenStage['window'];
  let harness: ScreenStage['harness'];

  beforeAll(async () => {
    stage = await openScreenStage();
    ({ display, window, harness } = stage);
  });
  afterAll(async () => await stage[Symbol.asyncDispose]());

  const wait = async (
    after: number,
    timeoutMs = 5000,
    area: object = FIELD,
  ): Promise<{ change: number; timedOut: boolean }> => {
    const args = { area, after, timeoutMs } as Json;
    const result = await harness.call('screen.capture', 'wait-for-change', args);
    // SAFETY: the harness checked the result.
    return result as unknown as { change: number; timedOut: boolean };
  };

  /** The newest change once the screen has come to rest: what is still being drawn at the start is no change of the test's. */
  const atRest = async (): Promise<number> => {
    let { change } = await wait(0, 1);
    for (let timedOut = false; !timedOut;) ({ change, timedOut } = await wait(change, 250));
    return change;
  };

  test('a repaint inside the area is told, one outside of it is not', async () => {
    const change = await atRest();
    await window.paint('#303030', 'strip');
    expect(await wait(change, 100)).toEqual(
      expect.objectContaining({ change, timedOut: true }) as unknown,
    );
    await window.paint('#ff0000');
    expect(await wait(change)).toMatchObject({ change: change + 1, timedOut: false });
  });

  test('a change that came in the meantime is answered at once', async () => {
    const { change } = await wait(0, 1);
    const other = wait(0);
    await window.paint('#00ff00');
    await other;
    expect(await wait(change, 1)).toMatchObject({ change: change + 1, timedOut: false });
  });

  test('a number from before a restart counts as a change, so that none is lost', async () => {
    const area = { ...FIELD, width: 299 };
    expect(await wait(57, 1, area)).toMatchObject({ change: 58, timedOut: false });
    expect(await wait(58, 1, area)).toMatchObject({ change: 58, timedOut: true });
  });

  test('the area goes with its window', async () => {
    const { change } = await wait(0, 1);
    await display.run('xdotool', 'windowmove', '--sync', window.id, '900', '600');
    let last = await wait(change);
    expect(last.timedOut).toBe(false);
    while (!last.timedOut) last = await wait(last.change, 100);
    await window.paint('#0000ff');
    expect((await wait(last.change)).timedOut).toBe(false);
  });

  test('a window that opens later is a change', async () => {
    const later = { window: 'Later' };
    const change = wait(0, 10_000, later);
    await using opened = await display.openWindow({ title: 'Later', x: 600, y: 100 });
    expect((await change).timedOut).toBe(false);
    expect(opened.title).toBe('Later');
  });

  test('the trigger starts a run for each repaint and ends when it is stopped', async () => {
    const stop = new AbortController();
    const seen: Json[] = [];
    const heard: ((value: void) => void)[] = [];
    const ended = harness.listen(
      'core/screen:screen-changed',
      FIELD,
      (outputs) => {
        seen.push(outputs['change'] ?? null);
        heard.shift()?.();
      },
      stop.signal,
    );
    await wait(0, 1);
    for (const color of ['#101010', '#202020', '#303030']) {
      const { promise, resolve } = Promise.withResolvers<void>();
      heard.push(resolve);
      window.send({ color });
      await promise;
    }
    stop.abort();
    await ended;
    expect(seen).toEqual([1, 2, 3]);
  });

  test('the node goes on at “timeout” when nothing changes, and at “changed” when something does', async () => {
    const config = { ...FIELD, timeoutMs: 50 };
    expect(await harness.run('core/screen:wait-for-change', config)).toEqual({ timeout: true });
    const changed = harness.run('core/screen:wait-for-change', { ...config, timeoutMs: 5000 });
    window.send({ color: '#abcdef' });
    expect(await changed).toHaveProperty('changed');
  });

  test('a cancelled wait ends', async () => {
    const stop = new AbortController();
    const config = { ...FIELD, timeoutMs: 60_000 };
    const waiting = harness.run('core/screen:wait-for-change', config, {}, stop.signal);
    stop.abort(new Error('stopped'));
    await expect(waiting).rejects.toThrow('stopped');
  });
});
