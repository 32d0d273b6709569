import { DEFAULT_LIMITS } from '@runtime-hub/plugin-sdk/hosting';
import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { pluginId } from '@runtime-hub/plugin-sdk/contract';
import { openBench, until } from './host-bench.ts';

const A = 'test/alpha';
const B = 'test/beta';

test('a step runs in a jailed host and its host is used again', async () => {
  await using bench = openBench();
  bench.install(A);
  expect(await bench.act(A, { do: 'echo', value: 1 })).toMatchObject({ value: 1 });
  await bench.act(A, { do: 'echo', value: 2 });
  const { hosts } = await bench.pool.stats();
  expect(hosts).toHaveLength(1);
  expect(hosts[0]?.rssBytes).toBeGreaterThan(1_000_000);
  expect(bench.events.filter((event) => event.type === 'host.started')).toHaveLength(1);
});

test('more steps than the window holds are queued and all answered', async () => {
  await using bench = openBench();
  bench.install(A);
  const many = Array.from({ length: 1000 }, (_, value) => bench.act(A, { do: 'echo', value }));
  const outputs = await Promise.all(many);
  expect(outputs.map((one) => (one as { value: number }).value)).toEqual([...outputs.keys()]);
});

test('an unknown plugin is not installed', async () => {
  await using bench = openBench();
  await expect(bench.act(A, { do: 'echo' })).rejects.toMatchObject({
    code: 'PLUGIN_NOT_INSTALLED',
  });
});

test('a plugin that describes itself otherwise than its signed manifest is not loaded', async () => {
  await using bench = openBench();
  const { manifest } = bench.install(B);
  bench.install(A, {}, JSON.stringify(manifest));
  await expect(bench.act(A, { do: 'echo' })).rejects.toMatchObject({ code: 'HOST_LOAD_FAILED' });
});

test('a call of a plugin carries who it is from the channel', async () => {
  const callers: unknown[] = [];
  await using bench = openBench({
    gate: {
      async call(caller, request) {
        callers.push({ caller });
        return request.args;
      },
    },
  });
  bench.install(A);
  const use = { do: 'use', capability: 'state', operation: 'get', args: { key: 'k' } };
  expect(await bench.act(A, use)).toEqual({ answer: { key: 'k' } });
  const own = { plugin: A, run: 'run-00000001', workflow: 'w', node: 'n' };
  expect(callers).toEqual([{ caller: expect.objectContaining(own) }]);
});

test('cancelling a step aborts the calls it has under way', async () => {
  const under = Promise.withResolvers<AbortSignal>();
  await using bench = openBench({
    gate: {
      call: (_caller, _request, signal) =>
        new Promise((_resolve, reject) => {
          under.resolve(signal);
          signal.addEventListener('abort', () => reject(signal.reason));
        }),
    },
  });
  bench.install(A);
  const stop = new AbortController();
  const use = { do: 'use', capability: 'state', operation: 'get', args: {} };
  const step = bench.act(A, use, { signal: stop.signal });
  const signal = await under.promise;
  stop.abort('enough');
  await step.catch(() => undefined);
  expect(signal.aborted).toBe(true);
});

test('a blob is checked where it leaves a host and lent where it enters one', async () => {
  await using bench = openBench();
  bench.install(A);
  const args = { $blob: '0'.repeat(32) };
  await bench.act(A, { do: 'use', capability: 'blobs', operation: 'stat', args });
  expect(bench.shared).toEqual(['lent', 'checked', 'lent', 'checked']);
});

test('a plugin that calls too often is refused, not ended', async () => {
  const calls = { callsPerSecond: 50, logsPerSecond: 100, logBytesPerSecond: 65_536 };
  await using bench = openBench({ limits: { defaults: { ...DEFAULT_LIMITS.defaults, ...calls } } });
  bench.install(A);
  const { refused } = (await bench.act(A, { do: 'storm' })) as { refused: number };
  expect(refused).toBeGreaterThan(100);
  expect(await bench.act(A, { do: 'echo', value: 1 })).toMatchObject({ value: 1 });
});

test('a trigger gives one event at a time and ends when aborted', async () => {
  await using bench = openBench();
  bench.install(A);
  const stop = new AbortController();
  const seen: unknown[] = [];
  let open = 0;
  const request = {
    plugin: pluginId(A),
    node: 'n',
    type: `${A}:on`,
    config: {},
    workspace: 'default',
    workflow: 'w',
  };
  await bench.pool.listen(
    request,
    async (outputs) => {
      open += 1;
      expect(open).toBe(1);
      await Promise.resolve();
      seen.push(outputs);
      open -= 1;
      if (seen.length === 3) stop.abort('enough');
    },
    stop.signal,
  );
  expect(seen.slice(0, 3)).toEqual([{ count: 1 }, { count: 2 }, { count: 3 }]);
});

test('a trigger whose event cannot be taken ends with that error', async () => {
  await using bench = openBench();
  bench.install(A);
  const request = {
    plugin: pluginId(A),
    node: 'n',
    type: `${A}:on`,
    config: {},
    workspace: 'default',
    workflow: 'w',
  };
  const refuse = () => Promise.reject(new Error('full'));
  const signal = new AbortController().signal;
  await expect(bench.pool.listen(request, refuse, signal)).rejects.toThrow('full');
});

test('a provider serves an operation for its caller', async () => {
  await using bench = openBench();
  bench.install(A);
  const request = {
    capability: 'ocr.read',
    operation: 'read',
    args: 7,
    workspace: 'default',
    caller: pluginId(B),
  } as const;
  const served = await bench.pool.serve(pluginId(A), request, new AbortController().signal);
  expect(served).toEqual({ served: 7, for: B });
});

test('three crashes within a minute bring quarantine until release', async () => {
  await using bench = openBench();
  bench.install(A);
  for (let crash = 0; crash < 3; crash += 1) {
    await expect(bench.act(A, { do: 'exit' })).rejects.toMatchObject({ code: 'HOST_CRASHED' });
  }
  await expect(bench.act(A, { do: 'echo' })).rejects.toMatchObject({ code: 'PLUGIN_QUARANTINED' });
  expect(bench.events.filter((event) => event.type === 'plugin.quarantined')).toHaveLength(1);
  bench.pool.release(pluginId(A));
  expect(await bench.act(A, { do: 'echo', value: 1 })).toMatchObject({ value: 1 });
});

test('a new version of a plugin gets a new host', async () => {
  await using bench = openBench();
  bench.install(A);
  await bench.act(A, { do: 'echo' });
  const old = (await bench.pool.stats()).hosts[0]?.pid;
  bench.install(A);
  await bench.act(A, { do: 'echo' });
  await until(() => !existsSync(`/proc/${String(old)}`));
  expect((await bench.pool.stats()).hosts).toHaveLength(1);
});

test('an unused host is ended after the idle time', async () => {
  await using bench = openBench({ limits: { idleMs: 20 } });
  bench.install(A);
  await bench.act(A, { do: 'echo' });
  await until(() => bench.events.some((event) => event.type === 'host.ended'));
  expect((await bench.pool.stats()).hosts).toEqual([]);
});

test('closing ends every host, also the spare, and refuses what comes after', async () => {
  const bench = openBench({ limits: { spares: 1 } });
  bench.install(A);
  bench.install(B);
  await Promise.all([bench.act(A, { do: 'echo' }), bench.act(B, { do: 'echo' })]);
  const pids = (await bench.pool.stats()).hosts.map((host) => host.pid);
  await bench[Symbol.asyncDispose]();
  expect(pids.filter((pid) => existsSync(`/proc/${String(pid)}`))).toEqual([]);
  await expect(bench.act(A, { do: 'echo' })).rejects.toMatchObject({ code: 'STEP_CANCELLED' });
});
