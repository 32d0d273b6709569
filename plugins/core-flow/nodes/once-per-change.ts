import * as Type from '@runtime-hub/plugin-sdk/schema';
import { defineNode } from '@runtime-hub/plugin-sdk';
import type { Json } from '@runtime-hub/plugin-sdk/contract';

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
    const now = mark(value, context.idempotencyKey);
    // What was let through last is mostly still what is kept: then one call both checks and sets it.
    let before: Json = last.get(key) ?? null;
    if (isSame(before, now)) before = await context.state.get(key);
    while (!isSame(before, now)) {
      const found = await context.state.replace(key, before, now);
      if (found.replaced) {
        last.set(key, now);
        return { changed: value };
      }
      before = found.before;
    }
    return { same: value };
  },
});

/** What this host let through last, by key; other workflows have other values, so it is only ever a guess. */
const last = new Map<string, Mark>();

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

/** The same step asking again, after a crash or a retry, gets the answer it got before. */
function isSame(before: Json, now: Mark): boolean {
  if (typeof before !== 'object' || before === null || !('seen' in before)) return false;
  return before['seen'] === now.seen && before['step'] !== now.step;
}
