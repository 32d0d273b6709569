import type { Clock } from './ports.ts';

/** Resolves after `ms`, or at once when `signal` aborts. */
export async function wait(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (ms <= 0 || signal?.aborted === true) return;
  using _timer = clock.after(ms, resolve);
  const stop = (): void => resolve();
  signal?.addEventListener('abort', stop, { once: true });
  await promise;
  signal?.removeEventListener('abort', stop);
}
