import type { Service } from '@runtime-hub/kernel';
import type { Json } from '@runtime-hub/plugin-sdk/contract';
import { expect, test } from 'vitest';
import { acted, ask, caller, installed, plugin, provider, world } from './world.ts';

const signal = new AbortController().signal;
const code = (it: string) => ({ code: it });
const inside = { x: 10, y: 10 };

/** A provider that never answers and tells of the signal it was given. */
function hanging() {
  let seen: AbortSignal | null = null;
  let start: () => void = () => {};
  const started = new Promise<void>((resolve) => {
    start = resolve;
  });
  const serve = async (_id: unknown, _request: unknown, given: AbortSignal): Promise<Json> => {
    seen = given;
    start();
    return await new Promise<Json>(() => {});
  };
  return { serve, started, signal: () => seen };
}

test('a use inside the granted region goes to the providing plugin; one outside is denied', async () => {
  const { broker, click, audit, events } = world([ask('input.mouse', 'region=0,0,100,100')]);
  broker.approve({ plugin, by: 'me' });
  expect(await click(inside)).toEqual(acted);
  await expect(click({ x: 100, y: 10 })).rejects.toMatchObject(code('CAPABILITY_DENIED'));
  const used = audit.filter((it) => it.operation === 'act');
  expect(used.map((it) => [it.need, it.decision])).toEqual([
    ['input.mouse:region=10,10,1,1', 'allowed'],
    ['input.mouse:region=100,10,1,1', 'denied'],
  ]);
  const told = events.filter((it) => it.type === 'capability.used');
  expect(told.map((it) => it.allowed)).toEqual([true, false]);
});

test('a drag needs a grant for both its ends', async () => {
  const { broker, click } = world([ask('input.mouse', 'region=0,0,100,100')]);
  broker.approve({ plugin, by: 'me' });
  expect(await click(inside, { action: 'drag', to: { x: 99, y: 99 } })).toEqual(acted);
  const out = click(inside, { action: 'drag', to: { x: 500, y: 1 } });
  await expect(out).rejects.toMatchObject(code('CAPABILITY_DENIED'));
});

test('a window is needed by its title, whatever the point', async () => {
  const { broker, click } = world([ask('input.mouse', 'window=Queue*')]);
  broker.approve({ plugin, by: 'me' });
  expect(await click({ window: 'Queue monitor', x: 1, y: 1 })).toEqual(acted);
  const other = click({ window: 'Bank', x: 1, y: 1 });
  await expect(other).rejects.toMatchObject(code('CAPABILITY_DENIED'));
  await expect(click(inside)).rejects.toMatchObject(code('CAPABILITY_DENIED'));
});

test('without a decision the use is refused, and asked for once', async () => {
  const { broker, click, events } = world([ask('input.mouse')]);
  expect(broker.missing({ plugin, nodeType: { uses: ['input.mouse'] } }, 'default')).toEqual([
    ask('input.mouse'),
  ]);
  expect(broker.missing({ plugin, nodeType: { uses: ['input.mouse'] } }, 'default')).toHaveLength(
    1,
  );
  expect(broker.missing({ plugin, nodeType: { uses: ['ocr.read'] } }, 'default')).toEqual([]);
  broker.request(plugin);
  expect(events.filter((it) => it.type === 'permission.requested')).toHaveLength(1);
  await expect(click(inside)).rejects.toMatchObject(code('CAPABILITY_NOT_GRANTED'));
  broker.approve({ plugin, by: 'me' });
  expect(broker.missing({ plugin, nodeType: { uses: ['input.mouse'] } }, 'default')).toEqual([]);
  expect(broker.list().map((it) => it.status)).toEqual(['granted']);
});

test('a denial wins over a grant it overlaps', async () => {
  const { broker, click } = world([ask('input.mouse')]);
  broker.approve({ plugin, by: 'me' });
  broker.deny({ plugin, capability: 'input.mouse', target: 'region=0,0,50,50', by: 'me' });
  await expect(click(inside)).rejects.toMatchObject(code('CAPABILITY_DENIED'));
  expect(await click({ x: 60, y: 60 })).toEqual(acted);
  const across = click({ x: 60, y: 60 }, { action: 'drag', to: inside });
  await expect(across).rejects.toMatchObject(code('CAPABILITY_DENIED'));
});

test('an approval may be narrower than what was asked, never wider', async () => {
  const { broker, click } = world([ask('input.mouse', 'region=0,0,100,100', 5)]);
  const wider = { plugin, target: 'region=0,0,200,100', by: 'me' };
  expect(() => broker.approve(wider)).toThrow(expect.objectContaining(code('HUB_REQUEST_INVALID')));
  const faster = { plugin, ratePerSecond: 6, by: 'me' };
  expect(() => broker.approve(faster)).toThrow(
    expect.objectContaining(code('HUB_REQUEST_INVALID')),
  );
  const [grant] = broker.approve({
    plugin,
    target: 'region=0,0,20,20',
    ratePerSecond: 2,
    by: 'me',
  });
  expect(grant?.permission).toMatchObject({ target: 'region=0,0,20,20', ratePerSecond: 2 });
  expect(await click(inside)).toEqual(acted);
  await expect(click({ x: 50, y: 50 })).rejects.toMatchObject(code('CAPABILITY_DENIED'));
});

test('a grant ends with its time, and what is using it ends too', async () => {
  const { serve, started, signal: given } = hanging();
  const { broker, click, advance, timers, clock } = world([ask('input.mouse')], { serve });
  broker.approve({ plugin, until: clock.now() + 500, by: 'me' });
  const call = click(inside);
  await started;
  advance(500);
  await expect(call).rejects.toMatchObject(code('CAPABILITY_REVOKED'));
  expect(given()?.aborted).toBe(true);
  expect(timers.size).toBe(0);
  await expect(click(inside)).rejects.toMatchObject(code('CAPABILITY_NOT_GRANTED'));
});

test('more uses than the rate are refused until time passes', async () => {
  const { broker, click, advance, audit } = world([ask('input.mouse', '*', 2)]);
  broker.approve({ plugin, by: 'me' });
  await click(inside);
  await click(inside, { action: 'drag', to: inside });
  await expect(click(inside)).rejects.toMatchObject(code('CAPABILITY_RATE_EXCEEDED'));
  expect(audit.at(-1)?.decision).toBe('rate-exceeded');
  advance(500);
  expect(await click(inside)).toEqual(acted);
});

test.each(['revoke', 'deny'] as const)(
  'a %s aborts the use that rests on the grant',
  async (act) => {
    const { serve, started, signal: given } = hanging();
    const { broker, click } = world([ask('input.mouse')], { serve });
    const changed: string[] = [];
    broker.onChange((it) => void changed.push(it));
    broker.approve({ plugin, by: 'me' });
    const call = click(inside);
    await started;
    broker[act]({ plugin, by: 'me' });
    await expect(call).rejects.toMatchObject(code('CAPABILITY_REVOKED'));
    expect(given()?.aborted).toBe(true);
    expect(changed).toEqual([plugin, plugin]);
  },
);

test('the caller’s own abort ends the use', async () => {
  const { serve, started } = hanging();
  const { broker, click } = world([ask('input.mouse')], { serve });
  broker.approve({ plugin, by: 'me' });
  const stop = new AbortController();
  const call = click(inside, {}, stop.signal);
  await started;
  stop.abort();
  await expect(call).rejects.toMatchObject(code('STEP_CANCELLED'));
});

test('another publisher’s key voids every grant', async () => {
  const { broker, click, plugins } = world([ask('input.mouse')]);
  broker.approve({ plugin, by: 'me' });
  const before = installed(plugin, [ask('input.mouse')]);
  plugins.set(plugin, { ...before, publisher: 'key-2' });
  await expect(click(inside)).rejects.toMatchObject(code('CAPABILITY_NOT_GRANTED'));
});

test('a grant the manifest no longer asks for does not count', async () => {
  const { broker, click, plugins } = world([ask('input.mouse')]);
  broker.approve({ plugin, by: 'me' });
  plugins.set(plugin, { ...installed(plugin, []), digest: 'sha512-11' });
  await expect(click(inside)).rejects.toMatchObject(code('CAPABILITY_DENIED'));
});

test('the policy grants only what the manifest asks for, and can be overruled', async () => {
  const log: Service = { capability: 'log', call: async () => await Promise.resolve(null) };
  const request = { capability: 'log', operation: 'write', args: {} } as const;
  const options = { autoGrant: ['log'], services: [log] } as const;
  const without = world([], options);
  await expect(without.broker.call(caller, request, signal)).rejects.toMatchObject(
    code('CAPABILITY_DENIED'),
  );
  const { broker, stored } = world([ask('log')], options);
  expect(await broker.call(caller, request, signal)).toBeNull();
  expect(broker.list()).toMatchObject([{ status: 'granted', by: 'policy' }]);
  broker.revoke({ plugin, by: 'me' });
  await expect(broker.call(caller, request, signal)).rejects.toThrow();
  const granted = [...stored.values()].map((it) => ({ ...it, status: 'granted' as const }));
  const later = world([ask('log')], {
    services: [log],
    stored: granted.map((it) => ({ ...it, by: 'policy', reason: null, until: null })),
  });
  await expect(later.broker.call(caller, request, signal)).rejects.toThrow();
});

test('what does not fit the contract is refused on both ways', async () => {
  const { broker, click } = world([ask('input.mouse')], {
    serve: async () => await Promise.resolve({ x: 'far' }),
  });
  broker.approve({ plugin, by: 'me' });
  await expect(click({ x: 1 })).rejects.toMatchObject(code('STEP_INPUT_INVALID'));
  await expect(click(inside)).rejects.toMatchObject(code('STEP_OUTPUT_INVALID'));
  const request = { capability: 'input.mouse', operation: 'constructor', args: {} } as const;
  const unknown = broker.call(caller, request, signal);
  await expect(unknown).rejects.toMatchObject(code('CAPABILITY_DENIED'));
});

test('without a provider, or without the plugin, nothing is done', async () => {
  const { broker, click, plugins } = world([ask('input.mouse')], { withoutProvider: true });
  broker.approve({ plugin, by: 'me' });
  await expect(click(inside)).rejects.toMatchObject(code('CAPABILITY_UNAVAILABLE'));
  plugins.delete(plugin);
  await expect(click(inside)).rejects.toMatchObject(code('PLUGIN_NOT_INSTALLED'));
  expect(() => broker.request(provider)).toThrow();
});

test('revoking what was never granted says so', () => {
  const { broker } = world([ask('input.mouse')]);
  expect(() => broker.revoke({ plugin, by: 'me' })).toThrow(
    expect.objectContaining(code('GRANT_NOT_FOUND')),
  );
});

test('a service asks for what it finds out on the way: granted, denied, or taken back in use', async () => {
  let ends: (value: Json) => void = () => {};
  let asks: (target: string) => void = () => {};
  const service: Service = {
    capability: 'net.http',
    call: async (_operation, _args, { permit }) =>
      await new Promise((resolve) => {
        ends = resolve;
        asks = (target) => permit({ capability: 'net.http', target });
      }),
  };
  const asked = [ask('net.http', 'a.example.com'), ask('net.http', 'b.example.com')];
  const { audit, broker } = world(asked, { services: [service] });
  broker.approve({ plugin, by: 'me' });
  const args = { method: 'GET', url: 'https://a.example.com/' };
  const use = broker.call(caller, { capability: 'net.http', operation: 'request', args }, signal);
  asks('b.example.com');
  expect(() => asks('c.example.com')).toThrow(expect.objectContaining(code('CAPABILITY_DENIED')));
  const used = audit.filter((it) => it.operation === 'request');
  expect(used.map(({ need, decision }) => `${need} ${decision}`)).toEqual([
    'net.http:a.example.com allowed',
    'net.http:b.example.com allowed',
    'net.http:c.example.com denied',
  ]);
  broker.revoke({ plugin, capability: 'net.http', target: 'b.example.com', by: 'me' });
  await expect(use).rejects.toMatchObject(code('CAPABILITY_REVOKED'));
  ends(null);
});
