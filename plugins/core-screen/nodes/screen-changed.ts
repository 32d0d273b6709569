import * as Type from '@runtime-hub/plugin-sdk/schema';
import { defineTrigger } from '@runtime-hub/plugin-sdk';
import { Area } from '@runtime-hub/plugin-sdk/contract';
import { waitForChange } from './wait.ts';

const WAIT_MS = 20_000;

/** Starts a run at each change of an area. */
export const screenChangedTrigger = defineTrigger({
  type: 'screen-changed',
  title: 'Screen changed',
  description:
    'Starts a run whenever pixels of an area change, also when its window opens or moves. Changes within a few milliseconds are one.',
  config: Type.Object(
    {
      ...Area.properties,
      /** Also starts a run as soon as it watches, so that what is there already is looked at. */
      atStart: Type.Optional(Type.Boolean({ default: false })),
    },
    { additionalProperties: false },
  ),
  outputs: {
    /** 1, 2, 3 … since it began to listen. */
    change: Type.Integer(),
    /** Milliseconds since 1970. */
    at: Type.Number(),
  },
  uses: ['screen.capture'],
  async listen({ config, context, emit }) {
    const { atStart = false, ...area } = config;
    let count = 0;
    const tell = async (at: number): Promise<void> => {
      count += 1;
      await emit({ change: count, at });
    };
    // Comes back at once: from here on every change counts, also one between two waits.
    const first = await waitForChange(context, { area, after: 0, timeoutMs: 1 });
    let after = first.change;
    if (atStart || !first.timedOut) await tell(atStart ? Date.now() : first.changedAt);
    while (!context.signal.aborted) {
      const result = await waitForChange(context, { area, after, timeoutMs: WAIT_MS });
      after = result.change;
      if (!result.timedOut) await tell(result.changedAt);
    }
  },
});
