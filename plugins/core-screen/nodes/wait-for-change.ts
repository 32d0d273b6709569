import * as Type from '@runtime-hub/plugin-sdk/schema';
import { defineNode } from '@runtime-hub/plugin-sdk';
import { Area } from '@runtime-hub/plugin-sdk/contract';
import { waitForChange } from './wait.ts';

const SECOND = 1000;
const MARGIN_MS = 5 * SECOND;
const LONGEST_MS = 3600 * SECOND;

/** Waits until pixels of an area change, or for a time. */
export const waitForChangeNode = defineNode({
  type: 'wait-for-change',
  title: 'Wait for a change',
  description: 'Waits until the pixels of an area change; goes on at “timeout” when they do not.',
  config: Type.Object(
    {
      ...Area.properties,
      timeoutMs: Type.Integer({ minimum: 1, maximum: LONGEST_MS, default: 10 * SECOND }),
    },
    { additionalProperties: false },
  ),
  inputs: {
    /** A change number from before: also a change that came since then counts. */
    after: Type.Integer({ minimum: 0 }),
  },
  optionalInputs: ['after'],
  outputs: { changed: Type.Integer(), timeout: Type.Boolean() },
  effect: 'idempotent',
  timeoutMs: LONGEST_MS + MARGIN_MS,
  uses: ['screen.capture'],
  async run({ config, inputs, context }) {
    const { timeoutMs, ...area } = config;
    const result = await waitForChange(context, { area, after: inputs.after ?? 0, timeoutMs });
    return result.timedOut ? { timeout: true } : { changed: result.change };
  },
});
