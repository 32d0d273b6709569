import { Type, defineNode } from '@runtime-hub/plugin-sdk';
import { Area, Reading, type ImageHandle } from '@runtime-hub/plugin-sdk/contract';
import { lookFor } from './look-for.ts';

const HOUR_MS = 3_600_000;
const MARGIN_MS = 5000;

/** Waits until a text can be read in an area of the screen. */
export const waitForTextNode = defineNode({
  type: 'wait-for-text',
  title: 'Wait for text',
  description:
    'Looks at an area of the screen at each of its changes until a text is there; goes on at “timeout” when it does not come.',
  effect: 'idempotent',
  config: Type.Object(
    {
      area: Area,
      text: Type.String({ minLength: 1, maxLength: 200 }),
      timeoutMs: Type.Integer({ minimum: 1, maximum: HOUR_MS, default: 10_000 }),
    },
    { additionalProperties: false },
  ),
  outputs: { found: Reading, timeout: Type.Boolean() },
  timeoutMs: HOUR_MS + MARGIN_MS,
  uses: ['screen.capture', 'ocr.read'],
  async run({ config, context }) {
    const { area, text, timeoutMs } = config;
    const until = Date.now() + timeoutMs;
    for (let after = 0; ;) {
      const image = await context.call('screen.capture', 'capture', { area });
      // SAFETY: the broker checked the result against the contract.
      const [found] = await lookFor(context, image as unknown as ImageHandle, text);
      if (found !== undefined) return { found };
      const left = until - Date.now();
      if (left <= 0) return { timeout: true };
      const args = { area, after, timeoutMs: Math.ceil(left) };
      // SAFETY: as above.
      after = (
        (await context.call('screen.capture', 'wait-for-change', args)) as { change: number }
      ).change;
    }
  },
});
