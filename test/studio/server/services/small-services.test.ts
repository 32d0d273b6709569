import { createBus, type Caller } from '@runtime-hub/kernel';
import { pluginId, type Json } from '@runtime-hub/plugin-sdk/contract';
import { expect, test } from 'vitest';
import { createLogService } from '../../../../studio/server/services/log-service.ts';
import { createStateService } from '../../../../studio/server/services/state-service.ts';
import { fakeClock } from '../../../kernel/capability/world.ts';

const caller: Caller = {
  plugin: pluginId('core/flow'),
  run: null,
  workspace: 'default',
  workflow: 'w',
  node: null,
  host: 'h',
};
const use = { caller, signal: new AbortController().signal, permit: () => {} };

test('state is set and read under the caller’s own plugin and workflow', async () => {
  const kept = new Map<string, Json>();
  const service = createStateService({
    get: (at) => kept.get(JSON.stringify(at)) ?? null,
    set: (at, value) => void kept.set(JSON.stringify(at), value),
    deleteAll: async () => await Promise.resolve(),
  });
  await service.call('set', { key: 'k', value: [1] }, use);
  expect(await service.call('get', { key: 'k' }, use)).toEqual([1]);
  expect(
    await service.call('get', { key: 'k' }, { ...use, caller: { ...caller, workflow: 'v' } }),
  ).toBeNull();
  for (const args of [null, {}, { key: 7 }, { key: '' }, { key: 'x'.repeat(201) }]) {
    const bad = service.call('get', args, use);
    await expect(bad).rejects.toMatchObject({ code: 'HUB_REQUEST_INVALID' });
  }
  const replace = (expected: Json, value: Json) =>
    service.call('replace', { key: 'k', expected, value }, use);
  expect(await replace([2], 'no')).toEqual({ replaced: false, before: [1] });
  expect(await replace([1], 'yes')).toEqual({ replaced: true, before: [1] });
  expect(await service.call('get', { key: 'k' }, use)).toBe('yes');
  const unknown = service.call('drop', { key: 'k' }, use);
  await expect(unknown).rejects.toMatchObject({ code: 'CAPABILITY_DENIED' });
});

test('a log line becomes an event without control characters', async () => {
  const { clock } = fakeClock();
  const bus = createBus({ clock });
  const service = createLogService(bus, clock);
  await service.call('write', { level: 'info', text: 'a\u001b[2Jb' }, use);
  expect(bus.since(0)).toMatchObject([{ type: 'plugin.log', text: 'a\u{FFFD}[2Jb' }]);
  const bad = service.call('write', { level: 'loud', text: 'a' }, use);
  await expect(bad).rejects.toMatchObject({ code: 'HUB_REQUEST_INVALID' });
});
