import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { openBench } from '../../kernel/host/host-bench.ts';

const BAD = 'test/bad';
const GOOD = 'test/good';
const GRACE_MS = 250;

test.each([
  ['exits with 0 in the middle of a step', 'exit', 'HOST_CRASHED'],
  ['aborts', 'crash', 'HOST_CRASHED'],
  ['answers a question nobody asked', 'forge', 'HOST_PROTOCOL_ERROR'],
  ['writes a length over the limit', 'garbage', 'HOST_PROTOCOL_ERROR'],
  ['writes what is not JSON', 'notjson', 'HOST_PROTOCOL_ERROR'],
  ['sends a frame of an unknown kind', 'unknown', 'HOST_PROTOCOL_ERROR'],
  ['calls within a question that was never asked', 'within', 'HOST_PROTOCOL_ERROR'],
  ['calls in the name of another node', 'alien', 'HOST_PROTOCOL_ERROR'],
  ['sends a log frame of 2 MB', 'biglog', 'HOST_PROTOCOL_ERROR'],
  ['takes memory without end', 'eat', 'HOST_OUT_OF_MEMORY'],
])('a host that %s ends with its own error, its neighbour goes on', async (_how, what, code) => {
  await using bench = openBench();
  bench.install(BAD);
  bench.install(GOOD);
  await bench.act(GOOD, { do: 'echo' });
  const before = (await bench.pool.stats()).hosts[0]?.pid;
  await expect(bench.act(BAD, { do: what })).rejects.toMatchObject({ code });
  expect(await bench.act(GOOD, { do: 'echo', value: 1 })).toMatchObject({ value: 1 });
  expect((await bench.pool.stats()).hosts.find((host) => host.plugin === GOOD)?.pid).toBe(before);
  expect(await bench.act(BAD, { do: 'echo', value: 2 })).toMatchObject({ value: 2 });
});

test.each([['spin'], ['hang'], ['half']])(
  'a host that goes silent (%s) is ended after deadline and grace while neighbours answer',
  async (what) => {
    await using bench = openBench();
    bench.install(BAD);
    bench.install(GOOD);
    await bench.act(BAD, { do: 'echo' });
    await bench.act(GOOD, { do: 'echo' });
    const start = performance.now();
    let over = false;
    const silent = bench.act(BAD, { do: what }, { deadlineMs: 300 }).finally(() => (over = true));
    silent.catch(() => undefined);
    let answered = 0;
    while (!over) {
      await bench.act(GOOD, { do: 'echo' });
      answered += 1;
    }
    await expect(silent).rejects.toMatchObject({ code: 'HOST_UNRESPONSIVE' });
    const took = performance.now() - start;
    expect(took).toBeGreaterThanOrEqual(300 + GRACE_MS - 5);
    expect(took).toBeLessThan(300 + GRACE_MS + 500);
    expect(answered).toBeGreaterThan(10);
  },
);

test('a step that stops when asked after its deadline costs only itself', async () => {
  await using bench = openBench();
  bench.install(BAD);
  await bench.act(BAD, { do: 'echo' });
  const before = (await bench.pool.stats()).hosts[0]?.pid;
  const late = bench.act(BAD, { do: 'patient' }, { deadlineMs: 50 });
  await expect(late).rejects.toMatchObject({ code: 'STEP_TIMED_OUT' });
  expect((await bench.pool.stats()).hosts[0]?.pid).toBe(before);
});

test('a cancelled step rejects with STEP_CANCELLED', async () => {
  await using bench = openBench();
  bench.install(BAD);
  await bench.act(BAD, { do: 'echo' });
  const stop = new AbortController();
  const step = bench.act(BAD, { do: 'patient' }, { signal: stop.signal });
  setImmediate(() => stop.abort('enough'));
  await expect(step).rejects.toMatchObject({ code: 'STEP_CANCELLED' });
});

test('everything open in a host that dies rejects', async () => {
  await using bench = openBench();
  bench.install(BAD);
  await bench.act(BAD, { do: 'echo' });
  const open = [
    bench.act(BAD, { do: 'hang' }),
    bench.act(BAD, { do: 'hang' }),
    bench.act(BAD, { do: 'exit' }),
  ];
  const ends = await Promise.allSettled(open);
  const codes = ends.map((end) => (end.status === 'rejected' ? end.reason.code : 'none'));
  expect(codes).toEqual(['HOST_CRASHED', 'HOST_CRASHED', 'HOST_CRASHED']);
});

test('a line of 2 MB on stderr is cut and harms nobody', async () => {
  await using bench = openBench();
  bench.install(BAD);
  await bench.act(BAD, { do: 'longline' });
  const said = bench.events.filter((event) => event.type === 'plugin.log');
  expect(said.reduce((sum, event) => sum + event.text.length, 0)).toBeLessThan(200_000);
  expect(await bench.act(BAD, { do: 'echo', value: 1 })).toMatchObject({ value: 1 });
});

test('a flood of log lines is dropped above its rate and cannot drive a terminal', async () => {
  await using bench = openBench();
  bench.install(BAD);
  const began = performance.now();
  await bench.act(BAD, { do: 'flood' });
  const seconds = (performance.now() - began) / 1000;
  const said = bench.events.filter((event) => event.type === 'plugin.log');
  expect(said.length).toBeLessThan(250 + 100 * seconds);
  expect(said.some((event) => event.text.includes('\u001b'))).toBe(false);
});

test('no process and no descriptor is left after the pool was closed', async () => {
  const descriptors = (): number => readdirSync('/proc/self/fd').length;
  const warm = openBench();
  warm.install(BAD);
  await warm.act(BAD, { do: 'echo' });
  await warm[Symbol.asyncDispose]();
  const before = descriptors();
  for (const what of ['echo', 'exit', 'garbage', 'hang']) {
    const bench = openBench({ limits: { spares: 1 } });
    bench.install(BAD);
    await bench.act(BAD, { do: what }, { deadlineMs: 50 }).catch(() => undefined);
    await bench[Symbol.asyncDispose]();
  }
  await expect.poll(descriptors).toBeLessThanOrEqual(before);
});
