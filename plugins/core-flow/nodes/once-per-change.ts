import { Type, defineNode } from '@runtime-hub/plugin-sdk';

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
    const [before, now] = [await context.state.get(key), mark(value, context.run)];
    // The same run asking again, after a crash or a retry, gets the answer it got before.
    if (isMark(before) && before.seen === now.seen && before.run !== now.run)
      return { same: value };
    await context.state.set(key, now);
    return { changed: value };
  },
});

interface Mark {
  readonly [key: string]: string;
  readonly seen: string;
  readonly run: string;
}

function mark(value: unknown, run: string): Mark {
  const isReading =
    typeof value === 'object' && value !== null && 'value' in value && 'text' in value;
  return { seen: JSON.stringify(isReading ? [value.value, value.text] : value), run };
}

function isMark(value: unknown): value is Mark {
  return typeof value === 'object' && value !== null && 'seen' in value && 'run' in value;
}
