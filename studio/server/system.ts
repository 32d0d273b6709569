import { randomUUID } from 'node:crypto';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Clock, Ids } from '@runtime-hub/kernel';

/** The machine's clock and timers. */
export const systemClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
  after(ms, fn) {
    const timer = setTimeout(fn, ms);
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  },
};

/** Random ids (RFC 9562 version 4). */
export const systemIds: Ids = { next: () => randomUUID() };

/** The data folder unless `--data` names one: $RUNTIME_HUB_DATA, else the XDG data folder. */
export function defaultDataFolder(env: NodeJS.ProcessEnv = process.env): string {
  const named = env['RUNTIME_HUB_DATA'];
  if (named !== undefined && named !== '') return named;
  const base = env['XDG_DATA_HOME'];
  return join(
    base === undefined || base === '' ? join(homedir(), '.local', 'share') : base,
    'runtime-hub',
  );
}
