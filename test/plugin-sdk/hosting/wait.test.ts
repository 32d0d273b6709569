import { wait, type Clock } from '@runtime-hub/plugin-sdk/hosting';
import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';

function stopped() {
  const open = new Set<() => void>();
  const clock: Clock = {
    now: () => 0,
    after(_ms, fn) {
      open.add(fn);
      return { [Symbol.dispose]: () => void open.delete(fn) };
    },
  };
  return { clock, open };
}

test('a wait ends with its time or its signal, and leaves no timer and no listener', async () => {
  const { clock, open } = stopped();
  const stop = new AbortController();
  const first = wait(clock, 10, stop.signal);
  for (const ring of open) ring();
  await first;
  const second = wait(clock, 10, stop.signal);
  stop.abort();
  await second;
  expect([open.size, getEventListeners(stop.signal, 'abort').length]).toEqual([0, 0]);
});

test('nothing is waited for when there is no time, or it was over before', async () => {
  const { clock, open } = stopped();
  await wait(clock, 0);
  await wait(clock, -5);
  await wait(clock, 10, AbortSignal.abort());
  expect(open.size).toBe(0);
});
