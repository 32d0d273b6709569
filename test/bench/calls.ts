import { createContext, runInContext } from 'node:vm';
import { pluginId, runId, type SegmentStep } from '@runtime-hub/plugin-sdk/contract';
import type { Hub } from '../../studio/server/hub.ts';
import { installBuiltIns, installFixture } from '../support/hub.ts';
import { callsPerSecond, medianOf, microsecondsEach, spread } from './figures.ts';
import type { Row } from './main.ts';

const ROUNDS = 5;
const SERIAL_CALLS = 2000;
const PIPELINED_CALLS = 40_000;
const IN_FLIGHT = 256;

/** A bare function, node:vm, an isolate and a process doing the same trivial thing. */
export async function measureCalls(hub: Hub): Promise<readonly Row[]> {
  await installBuiltIns(hub, ['core/flow']);
  await installFixture(hub, 'echo');
  const echo = (value: number): number => value;
  const bare = await medianOf(ROUNDS, async () => await microsecondsEach(1e6, echo));
  // SAFETY: the text is a function of one number.
  const inVm = runInContext('(value) => value', createContext({})) as (value: number) => number;
  const vm = await medianOf(ROUNDS, async () => await microsecondsEach(1e6, inVm));
  const isolate = caller(hub, 'core/flow', {
    node: 'n',
    type: 'set',
    config: { value: 1 },
    inputs: {},
    links: {},
  });
  const child = caller(hub, 'bench/echo', {
    node: 'n',
    type: 'echo',
    config: {},
    inputs: { value: 1 },
    links: {},
  });
  const isolateRoundTrip = await roundTrip(isolate);
  const isolatePipelined = await medianOf(
    ROUNDS,
    async () => await callsPerSecond(PIPELINED_CALLS, IN_FLIGHT, isolate),
  );
  const childRoundTrip = await roundTrip(child);
  const perSecond = (value: number): string => `${Math.round(value).toLocaleString('en')} calls/s`;
  return [
    { what: 'bare function', figure: `${bare.toFixed(3)} µs` },
    { what: 'node:vm (no sandbox)', figure: `${vm.toFixed(3)} µs` },
    {
      what: 'isolate in its jail, round trip p50 / p95',
      figure: `${isolateRoundTrip.p50.toFixed(3)} / ${isolateRoundTrip.p95.toFixed(3)} ms`,
      budget: 'p50 ≤ 0.3 ms',
      isMet: isolateRoundTrip.p50 <= 0.3,
    },
    {
      what: `isolate, ${String(IN_FLIGHT)} in flight`,
      figure: perSecond(isolatePipelined),
      budget: '≥ 20,000',
      isMet: isolatePipelined >= 20_000,
    },
    {
      what: 'process in its jail, round trip p50 / p95',
      figure: `${childRoundTrip.p50.toFixed(3)} / ${childRoundTrip.p95.toFixed(3)} ms`,
    },
  ];
}

function caller(hub: Hub, plugin: string, step: SegmentStep): () => Promise<void> {
  const request = {
    run: runId('bench-run'),
    workspace: 'default',
    workflow: 'bench',
    plugin: pluginId(plugin),
    steps: [step],
    values: {},
    deadlineMs: 10_000,
  };
  const signal = new AbortController().signal;
  return async () => {
    const [report] = await hub.pool.run(request, signal);
    if (report?.ok !== true) throw new Error(`The bench step failed: ${JSON.stringify(report)}`);
  };
}

async function roundTrip(call: () => Promise<void>): Promise<{ p50: number; p95: number }> {
  const samples: number[] = [];
  for (let index = 0; index < SERIAL_CALLS; index++) {
    const start = performance.now();
    await call();
    samples.push(performance.now() - start);
  }
  return spread(samples.slice(SERIAL_CALLS / 10));
}
