import { pluginId, type PluginId } from '@runtime-hub/plugin-sdk/contract';
import { expect, test } from 'vitest';
import { Allowance } from '../../../studio/server/services/http/allowance.ts';
import { Lookups } from '../../../studio/server/services/http/lookups.ts';
import { orAborted } from '../../../studio/server/services/http/signals.ts';
import { Line } from '../../../studio/server/services/queues.ts';
import { serve, serveRaw, world } from '../../studio/server/services/http/world.ts';

const [one, two, three] = ['acme/one', 'acme/two', 'acme/three'].map(pluginId) as [
  PluginId,
  PluginId,
  PluginId,
];
const { signal } = new AbortController();

test('a plugin whose names take for ever to look up holds one thread, its neighbours get theirs', async () => {
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const lookups = new Lookups(async (name) => {
    begun.push(name);
    await new Promise<void>((resolve) => ends.set(name, resolve));
    return [name];
  });
  const stop = new AbortController();
  const slow = ['s1', 's2', 's3'].map(
    async (name) => await lookups.resolve(name, one, stop.signal),
  );
  const other = lookups.resolve('other', two, signal);
  await expect.poll(() => begun).toEqual(['s1', 'other']);
  const third = lookups.resolve('third', three, signal);
  ends.get('other')?.();
  expect(await other).toEqual(['other']);
  await expect.poll(() => begun).toEqual(['s1', 'other', 'third']);
  stop.abort(new Error('stopped'));
  const [, second, last] = slow;
  await expect(second).rejects.toThrow('stopped');
  await expect(last).rejects.toThrow('stopped');
  ends.get('third')?.();
  ends.get('s1')?.();
  expect(await third).toEqual(['third']);
  expect(await slow[0]).toEqual(['s1']);
  expect(begun).not.toContain('s2');
});

test('who leaves a line while it waits takes nobody’s place, not even in the turn it would be its own', async () => {
  const line = new Line(1);
  await line.enter(signal);
  const stop = new AbortController();
  const leaving = line.enter(stop.signal);
  const staying = line.enter(signal);
  line.leave();
  stop.abort(new Error('stopped'));
  await leaving;
  line.leave();
  await staying;
  line.leave();
  expect(line.isEmpty).toBe(true);
  await expect(line.enter(stop.signal)).rejects.toThrow('stopped');
  expect(line.isEmpty).toBe(true);
});

test('work that fails after its signal aborted harms nobody', async () => {
  const late = Promise.withResolvers<never>();
  const aborted = orAborted(late.promise, AbortSignal.abort());
  await expect(aborted).rejects.toMatchObject({ code: 'STEP_CANCELLED' });
  const failed: unknown[] = [];
  const listen = (reason: unknown): void => void failed.push(reason);
  process.on('unhandledRejection', listen);
  late.reject(new Error('too late'));
  await new Promise((resolve) => setImmediate(resolve));
  process.off('unhandledRejection', listen);
  expect(failed).toEqual([]);
});

test('a plugin’s requests hold no more bytes than it may, and give them back', async () => {
  const allowance = new Allowance({ maxRunning: 2, maxBytes: 100 });
  {
    using first = await allowance.enter(one, 'h', signal);
    using second = await allowance.enter(one, 'h', signal);
    using neighbour = await allowance.enter(two, 'h', signal);
    first.take(60);
    neighbour.take(100);
    expect(() => second.take(41)).toThrow(
      expect.objectContaining({ code: 'NET_RESPONSE_REFUSED' }),
    );
  }
  using again = await allowance.enter(one, 'h', signal);
  expect(() => again.take(100)).not.toThrow();
});

test('requests that hang are no reason for the next ones to hang: time bounds them all', async () => {
  await using silent = await serveRaw(() => {});
  await using honest = await serve((_request, response) => response.end('ok'));
  const { request } = world();
  const hanging = Array.from({ length: 40 }, async () => {
    await expect(request({ url: silent.url, timeoutMs: 400 })).rejects.toMatchObject({
      code: 'STEP_TIMED_OUT',
    });
  });
  const answer = request({ url: honest.url, timeoutMs: 20_000 });
  await Promise.all(hanging);
  expect(await answer).toMatchObject({ text: 'ok' });
  expect(silent.opened.length).toBeLessThan(40);
});
