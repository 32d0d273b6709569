import { defineTrigger, Type } from '@runtime-hub/plugin-sdk';
import { Area } from '@runtime-hub/plugin-sdk/contract';
import { waitForChange } from './wait.ts';

const WAIT_MS = 20_000;

/** Starts a run at each change of an area. */
export const screenChangedTrigger = defineTrigger({
  type: 'screen-changed',
  title: 'Screen changed',
  description:
    'Starts a run whenever pixels of an area change, also when its window opens or moves. Changes within a few milliseconds are one.',
  config: Area,
  outputs: {
    /** 1, 2, 3 … since it began to listen. */
    change: Type.Integer(),
    /** Milliseconds since 1970. */
    at: Type.Number(),
  },
  uses: ['screen.capture'],
  async listen({ config, context, emit }) {
    let after = 0;
    let count = 0;
    while (!context.signal.aborted) {
      const result = await waitForChange(context, { area: config, after, timeoutMs: WAIT_MS });
      after = result.change;
      if (result.timedOut) continue;
      count += 1;
      await emit({ change: count, at: result.changedAt });
    }
  },
});
