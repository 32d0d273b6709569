import * as Type from '@runtime-hub/plugin-sdk/schema';
import { defineNode } from '@runtime-hub/plugin-sdk';
import { Area, Reading, type ImageHandle } from '@runtime-hub/plugin-sdk/contract';
import { find } from './ask.ts';

const LONGEST_MS = 3_600_000;

/** Waits until a text is on the screen. */
export const waitForTextNode = defineNode({
  type: 'wait-for-text',
  title: 'Wait for text',
  description: 'Looks at an area after each change until a line holds the text, or for a time.',
  config: Type.Object(
    {
      ...Area.properties,
      text: Type.String({ minLength: 1, maxLength: 200 }),
      timeoutMs: Type.Integer({ minimum: 1, maximum: LONGEST_MS, default: 10_000 }),
    },
    { additionalProperties: false },
  ),
  inputs: {},
  outputs: { found: Reading, timeout: Type.Boolean() },
  effect: 'idempotent',
  timeoutMs: LONGEST_MS + 5000,
  uses: ['ocr.read', 'screen.capture'],
  async run({ config, context }) {
    const { text, timeoutMs, ...area } = config;
    const until = Date.now() + timeoutMs;
    let after = 0;
    while (!context.signal.aborted) {
      const image = await context.call('screen.capture', 'capture', { area });
      // SAFETY: the broker checked the result against the contract.
      const [found] = await find(context, image as unknown as ImageHandle, text);
      if (found !== undefined) return { found };
      const left = until - Date.now();
      if (left <= 0) return { timeout: true };
      // The first wait is short: a change during the first look would not be told of.
      const wait = { area, after, timeoutMs: Math.min(left, after === 0 ? 200 : 2000) };
      const result = await context.call('screen.capture', 'wait-for-change', wait);
      // SAFETY: the broker checked the result against the contract.
      after = (result as unknown as { readonly change: number }).change;
    }
    return { timeout: true };
  },
});
