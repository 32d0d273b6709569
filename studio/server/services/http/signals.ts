import { HubError } from '@runtime-hub/plugin-sdk/contract';

/** What `promise` gives; rejects as soon as `signal` aborts, for work that can't be stopped. */
export async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: stopped, reject } = Promise.withResolvers<never>();
  const stop = (): void => reject(abortError(signal));
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  try {
    return await Promise.race([stopped, promise]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** Why a signal aborted, as an error of the table. */
export function abortError(signal: AbortSignal): HubError {
  const reason: unknown = signal.reason;
  if (reason instanceof HubError) return reason;
  return new HubError('STEP_CANCELLED', { reason: 'the caller went away' });
}
