import type { Caller } from '@runtime-hub/kernel';
import { pluginId } from '@runtime-hub/plugin-sdk/contract';
import { expect, test } from 'vitest';
import {
  createClockService,
  createRandomService,
} from '../../../../studio/server/services/clock-random.ts';
import { fakeClock } from '../../../kernel/capability/world.ts';

const caller: Caller = {
  plugin: pluginId('core/flow'),
  run: null,
  workspace: 'default',
  workflow: null,
  node: null,
  host: null,
};
const use = { caller, signal: new AbortController().signal, permit: () => {} };

test('the clock tells the hub’s time, and nothing else', async () => {
  const { clock, advance } = fakeClock();
  const service = createClockService(clock);
  expect(await service.call('now', {}, use)).toEqual({ now: 1000 });
  advance(5);
  expect(await service.call('now', {}, use)).toEqual({ now: 1005 });
  const unknown = service.call('set', { now: 1 }, use);
  await expect(unknown).rejects.toMatchObject({ code: 'CAPABILITY_DENIED' });
});

test('random bytes are as many as asked for, and others each time', async () => {
  const service = createRandomService();
  const bytes = async (count: number) => await service.call('bytes', { count }, use);
  expect(await bytes(1)).toEqual({ hex: expect.stringMatching(/^[0-9a-f]{2}$/u) });
  const [one, two] = [await bytes(1024), await bytes(1024)];
  expect(one).toEqual({ hex: expect.stringMatching(/^[0-9a-f]{2048}$/u) });
  expect(one).not.toEqual(two);
});

test.each([null, {}, { count: 0 }, { count: 1025 }, { count: 1.5 }, { count: '7' }])(
  'random bytes for %j are refused',
  async (args) => {
    const call = createRandomService().call('bytes', args, use);
    await expect(call).rejects.toMatchObject({ code: 'STEP_INPUT_INVALID' });
  },
);

test('an operation that random does not have is refused', async () => {
  const call = createRandomService().call('seed', { count: 1 }, use);
  await expect(call).rejects.toMatchObject({ code: 'CAPABILITY_DENIED' });
});
