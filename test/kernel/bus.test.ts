import { pluginId, type HubEvent } from '@runtime-hub/plugin-sdk/contract';
import { expect, test } from 'vitest';
import { createBus } from '../../kernel/bus.ts';
import { fakeClock } from './capability/world.ts';

const event = (text: string): HubEvent => ({
  type: 'plugin.log',
  at: 1,
  plugin: pluginId('core/flow'),
  level: 'info',
  text,
});
const bus = (kept?: number) =>
  createBus({ clock: fakeClock().clock, ...(kept === undefined ? {} : { kept }) });

test('events are numbered from 1 without gaps and reach every listener', () => {
  const it = bus();
  const seen: number[] = [];
  it.on(() => {
    throw new Error('broken listener');
  });
  using listening = it.on(({ sequence }) => void seen.push(sequence));
  for (const text of ['a', 'b', 'c']) it.emit(event(text));
  listening[Symbol.dispose]();
  it.emit(event('d'));
  expect(seen).toEqual([1, 2, 3]);
});

test('a slow reader learns how many events it lost and gets the newest', async () => {
  const it = bus();
  using events = it.subscribe({ capacity: 2 });
  for (const text of ['a', 'b', 'c', 'd', 'e']) it.emit(event(text));
  const got: unknown[] = [];
  for await (const next of events) {
    got.push('dropped' in next ? next.dropped : next.sequence);
    if (got.length === 3) break;
  }
  expect(got).toEqual([3, 4, 5]);
});

test('a reader that waits gets an event when it comes, and the end when it is disposed', async () => {
  const it = bus();
  const events = it.subscribe({ capacity: 2, types: ['plugin.log'] });
  const reader = events[Symbol.asyncIterator]();
  const first = reader.next();
  it.emit({ type: 'plugin.removed', at: 1, plugin: pluginId('core/flow') });
  it.emit(event('a'));
  expect(await first).toMatchObject({ value: { sequence: 2 } });
  const last = reader.next();
  events[Symbol.dispose]();
  expect(await last).toMatchObject({ done: true });
});

test('a late reader starts where it says as far as events are kept', async () => {
  const it = bus(3);
  for (const text of ['a', 'b', 'c', 'd', 'e']) it.emit(event(text));
  expect(it.since(4).map((kept) => kept.sequence)).toEqual([5]);
  using events = it.subscribe({ capacity: 10, since: 1 });
  const got: unknown[] = [];
  for await (const next of events) {
    got.push('dropped' in next ? `-${String(next.dropped)}` : next.sequence);
    if (got.length === 4) break;
  }
  expect(got).toEqual(['-1', 3, 4, 5]);
});
