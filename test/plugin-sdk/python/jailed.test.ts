import { pluginId, runId, type Json, type JsonObject } from '@runtime-hub/plugin-sdk/contract';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openHub, type Hub } from '../../../studio/server/hub.ts';
import { installFixture, temporaryFolder } from '../../support/hub.ts';
import { applyPolicy } from '../../support/trust.ts';

const PLUGIN = pluginId('bench/python-tools');
const RUN = runId('run-00000001');
const folder = temporaryFolder('python');
let hub: Hub;

beforeAll(async () => {
  applyPolicy(folder.path, ['bench/*']);
  hub = await openHub({ folder: folder.path });
  await installFixture(hub, 'python-tools');
  hub.broker.request(PLUGIN);
  for (const capability of ['state', 'blobs'] as const)
    hub.broker.approve({ plugin: PLUGIN, capability, by: 'test' });
});
afterAll(async () => {
  await hub[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

interface How {
  readonly config?: JsonObject;
  readonly inputs?: JsonObject;
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}

/** Runs one step in the jail; its report. */
async function report(type: string, { config = {}, inputs = {}, ...how }: How = {}) {
  const [one] = await hub.pool.run(
    {
      run: RUN,
      workspace: 'default',
      workflow: 'w',
      plugin: PLUGIN,
      steps: [{ node: 'n', type, config, inputs, links: {} }],
      values: {},
      deadlineMs: how.deadlineMs ?? 5000,
    },
    how.signal ?? new AbortController().signal,
  );
  if (one === undefined) throw new Error('no report');
  return one;
}

/** The outputs of one step. */
async function outputs(type: string, how: How = {}): Promise<JsonObject> {
  const one = await report(type, how);
  if (!one.ok) throw new Error(JSON.stringify(one.error));
  return one.outputs;
}

const pid = async (): Promise<number | undefined> => (await hub.pool.stats()).hosts[0]?.pid;

test('the manifest’s schemas come from type hints, and the hub reads them', () => {
  const nodes = hub.plugins.get(PLUGIN)?.manifest.nodes ?? [];
  const shout = nodes.find((node) => node.type === 'shout');
  expect(shout).toMatchObject({
    title: 'Shout',
    kind: 'action',
    effect: 'pure',
    config: {
      properties: {
        times: { type: 'integer', minimum: 1, maximum: 9, default: 1 },
        tone: { enum: ['loud', 'quiet'], default: 'loud' },
      },
      additionalProperties: false,
    },
    inputs: { text: { type: 'string' }, mark: { anyOf: [{ type: 'string' }, { type: 'null' }] } },
    outputs: { parts: { properties: { first: { type: 'string' } }, required: ['first', 'size'] } },
    optionalInputs: ['mark'],
  });
  expect(nodes.find((node) => node.type === 'ask-time')?.title).toBe('Ask time');
  expect(nodes.find((node) => node.type === 'tick')).toMatchObject({ kind: 'trigger' });
});

test('a step gets its inputs and config and gives outputs', async () => {
  const config = { times: 2 };
  expect(await outputs('shout', { config, inputs: { text: 'hey' } })).toEqual({
    text: 'HEY!!',
    parts: { first: 'H', size: 5 },
  });
  const quiet = { tone: 'quiet' };
  const inputs = { text: 'hey', mark: '?' };
  expect(await outputs('shout', { config: quiet, inputs })).toMatchObject({ text: 'hey?' });
});

test('a step knows its run', async () => {
  expect(await outputs('facts')).toEqual({
    facts: { run: RUN, workflow: 'w', node: 'n', attempt: 1, idempotency_key: `${RUN}:n` },
  });
});

test('state goes through the gate to the hub and outlives the host', async () => {
  await outputs('remember', { config: { value: { deep: [1, 'ä', null] } } });
  await hub.pool.stop(PLUGIN);
  expect(await outputs('remember')).toEqual({ before: { deep: [1, 'ä', null] } });
});

test('bytes become a blob that another step reads', async () => {
  const { blob } = await outputs('keep', { inputs: { text: 'large ✓' } });
  expect(blob).toMatchObject({ mime: 'text/plain', sizeBytes: 9 });
  expect(await outputs('load', { inputs: { blob: blob as Json } })).toEqual({ text: 'large ✓' });
});

test('a blob that was not shared is not found', async () => {
  const blob = { $blob: 'f'.repeat(32), mime: 'a/b', sizeBytes: 1, sha256: '0'.repeat(64) };
  await expect(report('load', { inputs: { blob } })).rejects.toMatchObject({
    code: 'BLOB_NOT_FOUND',
  });
});

test('a use that nobody granted is the step’s typed error', async () => {
  expect(await report('ask-time')).toMatchObject({
    ok: false,
    error: { code: 'CAPABILITY_NOT_GRANTED', data: { plugin: PLUGIN } },
  });
});

test.each([
  ['SCREEN_TARGET_NOT_FOUND', { code: 'SCREEN_TARGET_NOT_FOUND', retryable: true }],
  ['HOST_CRASHED', { code: 'STEP_FAILED', message: 'as told' }],
  [
    'bug',
    {
      code: 'STEP_FAILED',
      message: expect.stringMatching(/^KeyError: 'bug' \(plugin\.py:\d+\)$/u),
    },
  ],
])('raising %s is the step’s error', async (code, error) => {
  expect(await report('fail', { config: { code } })).toMatchObject({ ok: false, error });
});

test('a sleeping step ends at its deadline and the host lives on', async () => {
  await outputs('nap', { config: { ms: 1 } });
  const before = await pid();
  const late = report('nap', { config: { ms: 60_000 }, deadlineMs: 100 });
  await expect(late).rejects.toMatchObject({ code: 'STEP_TIMED_OUT', data: { timeoutMs: 100 } });
  expect(await outputs('nap', { config: { ms: 1 } })).toEqual({ slept: true });
  expect(await pid()).toBe(before);
});

test.each(['nap', 'busy'])('a step that is cancelled (%s) stops, and only it', async (type) => {
  await outputs('nap', { config: { ms: 1 } });
  const before = await pid();
  const stop = new AbortController();
  const cancelled = report(type, {
    config: type === 'nap' ? { ms: 60_000 } : {},
    signal: stop.signal,
  });
  const other = report('nap', { config: { ms: 50 } });
  setImmediate(() => stop.abort('enough'));
  await expect(cancelled).rejects.toMatchObject({ code: 'STEP_CANCELLED' });
  expect(await other).toMatchObject({ ok: true });
  expect(await pid()).toBe(before);
});

test('steps run at the same time', async () => {
  const started = performance.now();
  await Promise.all(Array.from({ length: 20 }, () => report('nap', { config: { ms: 200 } })));
  expect(performance.now() - started).toBeLessThan(20 * 200);
});

test('a trigger sends one event after the other until it is cancelled', async () => {
  const seen: Json[] = [];
  const stop = new AbortController();
  const listening = hub.pool.listen(
    { plugin: PLUGIN, node: 't', type: 'tick', config: {}, workspace: 'default', workflow: 'w' },
    async (event) => {
      seen.push(event['n'] ?? null);
      if (seen.length === 5) stop.abort('enough');
      await Promise.resolve();
    },
    stop.signal,
  );
  await listening;
  expect(seen.slice(0, 5)).toEqual([0, 1, 2, 3, 4]);
});

test('a trigger may end by itself', async () => {
  const seen: Json[] = [];
  await hub.pool.listen(
    {
      plugin: PLUGIN,
      node: 't',
      type: 'tick',
      config: { until: 3 },
      workspace: 'default',
      workflow: 'w',
    },
    async (event) => void seen.push(await Promise.resolve(event['n'] ?? null)),
    new AbortController().signal,
  );
  expect(seen).toEqual([0, 1, 2]);
});

test('an operation that it provides is served, one that it does not is refused', async () => {
  const request = {
    capability: 'ocr.read',
    args: { a: [1] },
    workspace: 'default',
    caller: pluginId('acme/other'),
  } as const;
  const { signal } = new AbortController();
  const served = hub.pool.serve(PLUGIN, { ...request, operation: 'read-text' }, signal);
  expect(await served).toEqual({ got: { a: [1] }, for: 'acme/other' });
  const refused = hub.pool.serve(PLUGIN, { ...request, operation: '__init__' }, signal);
  await expect(refused).rejects.toMatchObject({ code: 'CAPABILITY_UNAVAILABLE' });
});

test('log lines and prints are the plugin’s log, without control characters', async () => {
  const said: string[] = [];
  using _listening = hub.bus.on((event) => {
    if (event.type === 'plugin.log') said.push(`${event.level}: ${event.text}`);
  });
  await outputs('talk');
  for (const level of ['debug', 'info', 'warn', 'error'])
    expect(said).toContain(`${level}: ${level} line [31m`);
  await expect.poll(() => said).toContain('warn: said on stdout');
});
