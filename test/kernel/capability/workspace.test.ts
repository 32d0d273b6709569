import type { CapabilityRequest, NodeUses } from '@runtime-hub/kernel';
import { expect, test } from 'vitest';
import { acted, ask, caller, plugin, world } from './world.ts';

const code = (name: string) => ({ code: name });
const inside = { x: 10, y: 10 };
const by = 'me';
const capability = 'input.mouse';
const uses: NodeUses = { plugin, nodeType: { uses: [capability] } };
const args = { action: 'click', at: inside, button: 'left' } as const;
const click = { capability, operation: 'act', args } satisfies CapabilityRequest;
const never = new AbortController().signal;

/** A broker whose plugin may ask for the mouse, and a use of it in one workspace. */
function stage(options: Parameters<typeof world>[1] = {}) {
  const { broker, ...rest } = world([ask(capability)], options);
  const use = async (workspace: string, signal = never) =>
    await broker.call({ ...caller, workspace }, click, signal);
  return { broker, use, ...rest };
}

test('a grant of one workspace counts there alone; elsewhere the same is asked for, and granted apart', async () => {
  const { broker, use } = stage();
  broker.request(plugin);
  broker.approve({ plugin, workspace: 'red', by });
  expect(await use('red')).toEqual(acted);
  await expect(use('blue')).rejects.toMatchObject(code('CAPABILITY_NOT_GRANTED'));
  expect(broker.missing(uses, 'red')).toEqual([]);
  expect(broker.missing(uses, 'blue')).toEqual([ask(capability)]);
  expect(broker.missing(uses, 'green')).toEqual([ask(capability)]);
  const states = () => broker.list().map((it) => [it.status, it.workspace]);
  expect(states()).toEqual([
    ['granted', 'red'],
    ['requested', null],
  ]);
  broker.approve({ plugin, workspace: 'blue', by });
  expect(await use('blue')).toEqual(acted);
  await expect(use('green')).rejects.toMatchObject(code('CAPABILITY_NOT_GRANTED'));
  expect(states()).toEqual([
    ['granted', 'red'],
    ['granted', 'blue'],
  ]);
});

test('a workspace is its whole name, and a caller without one has only what holds everywhere', async () => {
  const { broker, use } = stage();
  broker.approve({ plugin, workspace: 'red', by });
  for (const other of ['re', 'red2', 'Red', '', '*', 'null', 'undefined'])
    await expect(use(other)).rejects.toMatchObject(code('CAPABILITY_NOT_GRANTED'));
  // SAFETY: what no type lets through, and a mistake might.
  const nowhere = undefined as unknown as string;
  await expect(use(nowhere)).rejects.toMatchObject(code('CAPABILITY_NOT_GRANTED'));
  broker.approve({ plugin, by });
  expect(await use(nowhere)).toEqual(acted);
});

test('a denial in one workspace wins there over a grant for all, and nowhere else', async () => {
  const { broker, use } = stage();
  broker.approve({ plugin, by });
  broker.deny({ plugin, workspace: 'red', by });
  await expect(use('red')).rejects.toMatchObject(code('CAPABILITY_DENIED'));
  expect(() => broker.missing(uses, 'red')).toThrow(
    expect.objectContaining(code('CAPABILITY_DENIED')),
  );
  expect(await use('blue')).toEqual(acted);
  expect(broker.missing(uses, 'blue')).toEqual([]);
});

test('a denial for all wins over a grant for one, which does not lift it, before or after', async () => {
  const { broker, use } = stage();
  broker.approve({ plugin, workspace: 'red', by });
  broker.deny({ plugin, by });
  expect(broker.list().map((it) => it.status)).toEqual(['revoked', 'denied']);
  broker.approve({ plugin, workspace: 'red', by });
  for (const workspace of ['red', 'blue'])
    await expect(use(workspace)).rejects.toMatchObject(code('CAPABILITY_DENIED'));
  broker.approve({ plugin, by });
  expect(await use('blue')).toEqual(acted);
});

test('deciding again in a workspace takes the place of what was decided there', async () => {
  const { broker, use } = stage();
  broker.approve({ plugin, workspace: 'red', by });
  broker.missing(uses, 'blue');
  broker.approve({ plugin, workspace: 'red', ratePerSecond: 1, by });
  expect(await use('red')).toEqual(acted);
  await expect(use('red')).rejects.toMatchObject(code('CAPABILITY_RATE_EXCEEDED'));
  expect(broker.list().filter((it) => it.status === 'granted')).toHaveLength(1);
});

test('a revocation in one workspace ends what is in use there alone; one without ends all', async () => {
  let served = 0;
  const serve = async (): Promise<never> => {
    served += 1;
    return await new Promise<never>(() => undefined);
  };
  const { broker, use } = stage({ serve });
  broker.approve({ plugin, workspace: 'red', by });
  broker.approve({ plugin, workspace: 'blue', by });
  const [red, blue] = [use('red'), use('blue')];
  expect(served).toBe(2);
  broker.revoke({ plugin, workspace: 'red', by });
  await expect(red).rejects.toMatchObject(code('CAPABILITY_REVOKED'));
  await expect(use('red')).rejects.toMatchObject(code('CAPABILITY_NOT_GRANTED'));
  const again = { plugin, workspace: 'red', by };
  expect(() => broker.revoke(again)).toThrow(expect.objectContaining(code('GRANT_NOT_FOUND')));
  broker.revoke({ plugin, by });
  await expect(blue).rejects.toMatchObject(code('CAPABILITY_REVOKED'));
});

test('a denial in the workspace of a use ends it, though its grant holds everywhere', async () => {
  const serve = async () => await new Promise<never>(() => undefined);
  const { broker, use } = stage({ serve });
  broker.approve({ plugin, by });
  const stop = new AbortController();
  const [red, blue] = [use('red'), use('blue', stop.signal)];
  broker.deny({ plugin, workspace: 'red', by });
  await expect(red).rejects.toMatchObject(code('CAPABILITY_REVOKED'));
  stop.abort();
  await expect(blue).rejects.toMatchObject(code('STEP_CANCELLED'));
});

test('who provides is asked in the workspace of who asks', async () => {
  const where: string[] = [];
  const { broker, use } = stage({
    serve: async (_provider, { workspace }) => {
      where.push(workspace);
      return await Promise.resolve(acted);
    },
  });
  broker.approve({ plugin, by });
  await use('red');
  await use('default');
  expect(where).toEqual(['red', 'default']);
});

test('what the trust policy grants holds everywhere, whatever a person granted in one workspace', async () => {
  const { broker, use } = stage({ autoGrant: [capability] });
  broker.approve({ plugin, workspace: 'red', by });
  expect(await use('blue')).toEqual(acted);
});

test('a decision’s workspace and reason are stored, audited and told', () => {
  const { broker, audit, events, stored } = stage();
  const said = { workspace: 'red', reason: 'Only \u202Eto test' };
  broker.approve({ plugin, ...said, by });
  broker.revoke({ plugin, by, reason: 'Done' });
  broker.deny({ plugin, by });
  const decided = [
    { workspace: 'red', reason: said.reason },
    { workspace: 'red', reason: 'Done' },
    { workspace: null, reason: null },
  ];
  expect(audit.filter((it) => it.by !== null)).toMatchObject(decided);
  expect(events.filter((it) => it.type !== 'permission.requested')).toMatchObject(decided);
  expect([...stored.values()]).toMatchObject([decided[1], decided[2]]);
});
