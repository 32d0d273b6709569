import { randomBytes } from 'node:crypto';
import type { Clock, Service } from '@runtime-hub/kernel';
import { HubError, unfit, type Json } from '@runtime-hub/plugin-sdk/contract';

const MAX_BYTES = 1024;

/** The capability `clock`: `now {}` tells the hub's time. */
export function createClockService(clock: Clock): Service {
  return {
    capability: 'clock',
    async call(operation, _args, { caller: { plugin } }) {
      if (operation !== 'now')
        throw new HubError('CAPABILITY_DENIED', { plugin, need: `clock.${operation}` });
      return await Promise.resolve({ now: clock.now() });
    },
  };
}

/** The capability `random`: `bytes {count}` gives 1 to 1,024 unguessable bytes. */
export function createRandomService(): Service {
  return {
    capability: 'random',
    async call(operation, args, { caller: { plugin } }) {
      if (operation !== 'bytes')
        throw new HubError('CAPABILITY_DENIED', { plugin, need: `random.${operation}` });
      return await Promise.resolve({ hex: randomBytes(countIn(args)).toString('hex') });
    },
  };
}

function countIn(args: Json): number {
  // SAFETY: the field is checked before it is believed.
  const { count } = (args ?? {}) as { readonly count?: Json };
  if (typeof count === 'number' && Number.isInteger(count) && count >= 1 && count <= MAX_BYTES)
    return count;
  const cure = `Give a whole number from 1 to ${String(MAX_BYTES)}.`;
  throw unfit('/count', 'does not fit', cure);
}
