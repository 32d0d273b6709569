import { expect, test } from 'vitest';
import type { Manifest, Runtime } from '@runtime-hub/plugin-sdk/contract';
import { buildRuntime } from '../../../plugin-sdk/runtime/build.ts';
import { openBench, until } from './host-bench.ts';

const ID = 'test/real';

const node = (runtime: Runtime): Partial<Manifest> => ({
  runtime,
  nodes: [
    {
      type: 'act',
      title: 'Act',
      description: '',
      kind: 'action',
      effect: 'pure',
      join: 'all',
      ...{
        config: { type: 'object' },
        inputs: {},
        outputs: { out: {} },
        optionalInputs: [],
      },
      ...{
        timeoutMs: 3e4,
        uses: [],
      },
    },
  ],
});

/** A plugin as the author API makes it, written out by hand so that no bundler is needed. */
const source = (runtime: Runtime): string => `
const empty = {};
export default {
  id: '${ID}', version: '1.0.0', runtime: '${runtime}', title: 'T', description: '', license: 'MIT', engine: '*',
  permissions: [],
  nodes: [{
    type: 'act', title: 'Act', description: '', effect: 'pure', join: 'all',
    config: { type: 'object' }, inputs: {}, outputs: { out: {} }, optionalInputs: [], timeoutMs: 30000, uses: [],
    async run({ config, context }) {
      if (config.do === 'spin') for (;;);
      if (config.do === 'call') return { out: await context.call('state', 'get', { key: 'k' }) };
      return { out: config.value ?? null };
    },
  }],
};`;

test.each(['isolate', 'process'] as const)(
  'the real %s host runs a step in the jail',
  async (runtime) => {
    await buildRuntime();
    await using bench = openBench({ real: true });
    bench.install(ID, node(runtime), source(runtime));
    expect(await bench.act(ID, { value: 7 })).toEqual({ out: 7 });
    expect(await bench.act(ID, { do: 'call' })).toEqual({ out: { key: 'k' } });
  },
);

test('what a plugin asks of itself it has at once, and the hub still sees the result', async () => {
  await buildRuntime();
  const results: unknown[] = [];
  const code = source('process').replace(
    'nodes: [',
    `provides: { 'ocr.read': { 'read-text': ({ args, context }) => ({ ...args, for: context.caller }) } }, nodes: [`,
  );
  const manifest: Partial<Manifest> = { ...node('process'), provides: ['ocr.read'] };
  await using bench = openBench({
    real: true,
    gate: {
      async call(caller, request, signal) {
        const { plugin, host } = caller;
        const asked = { ...request, workspace: 'default', caller: plugin, host };
        results.push(await bench.pool.serve(plugin, asked, signal));
        throw new Error('what the hub says afterwards comes too late');
      },
    },
  });
  bench.install(ID, manifest, code.replaceAll("'state', 'get'", "'ocr.read', 'read-text'"));
  expect(await bench.act(ID, { do: 'call' })).toEqual({ out: { key: 'k', for: ID } });
  await until(() => results.length === 1);
  expect(results).toEqual([{ key: 'k', for: ID }]);
});

test.each(['isolate', 'process'] as const)(
  'a spinning step ends the real %s host and the next one starts',
  async (runtime) => {
    await buildRuntime();
    await using bench = openBench({ real: true });
    bench.install(ID, node(runtime), source(runtime));
    await bench.act(ID, { value: 1 });
    const spin = await bench
      .act(ID, { do: 'spin' }, { deadlineMs: 600 })
      .catch((error: unknown) => error);
    expect(spin).toMatchObject({
      code: expect.stringMatching(/^(HOST_UNRESPONSIVE|STEP_TIMED_OUT)$/u),
    });
    expect(await bench.act(ID, { value: 2 })).toEqual({ out: 2 });
  },
);
