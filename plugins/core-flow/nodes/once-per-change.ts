import * as Type from '@runtime-hub/plugin-sdk/schema';
import { defineNode } from '@runtime-hub/plugin-sdk';

/** Lets a value through only when it differs from the one before, also over runs. */
export const oncePerChangeNode = defineNode({
  type: 'once-per-change',
  title: 'Once per change',
  description:
    'Goes on at “changed” once for each new value, and at “same” while it stays. Readings count as the same when number and text are.',
  effect: 'idempotent',
  config: Type.Object({}, { additionalProperties: false }),
  inputs: { value: Type.Unknown() },
  outputs: { changed: Type.Unknown(), same: Type.Unknown() },
  uses: ['state'],
  async run({ inputs, context }) {
    const { value } = inputs;
    const key = `once ${context.node}`;
    const [before, now] = [await context.state.get(key), mark(value, context.idempotencyKey)];
    // The same step asking again, after a crash or a retry, gets the answer it got before.
    if (isMark(before) && before.seen === now.seen && before.step !== now.step)
      return { same: value };
    await context.state.set(key, now);
    return { changed: value };
  },
});

interface Mark {
  readonly [key: string]: string;
  readonly seen: string;
  readonly step: string;
}

function mark(value: unknown, step: string): Mark {
  const isReading =
    typeof value === 'object' && value !== null && 'value' in value && 'text' in value;
  return { seen: JSON.stringify(isReading ? [value.value, value.text] : value, sorted), step };
}

/** Keys in order, so that equal objects give equal text. */
function sorted(_key: string, item: unknown): unknown {
  if (typeof item !== 'object' || item === null || Array.isArray(item)) return item;
  return Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function isMark(value: unknown): value is Mark {
  return typeof value === 'object' && value !== null && 'seen' in value && 'step' in value;
}
