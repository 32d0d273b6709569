import { expect, test } from 'vitest';
import { chainOf, openFlowHub, temporaryFolder } from '../support/hub.ts';
import { applyPolicy } from '../support/trust.ts';

const LONG_MS = 3_600_000;
const delays = (count: number) => {
  const chain = chainOf(count, () => ({ type: 'core/flow:delay', config: { ms: LONG_MS } }));
  const once = { maxAttempts: 1, delayMs: 1, maxDelayMs: 1 };
  const nodes = Object.entries(chain.nodes).map(
    ([name, node]) => [name, { ...node, timeoutMs: LONG_MS, retry: once }] as const,
  );
  return { ...chain, nodes: Object.fromEntries(nodes) };
};

test('no step of a plugin takes longer than the admin allows, whatever its workflow says', async () => {
  using folder = temporaryFolder('step-limit');
  applyPolicy(folder.path, [], { limits: [{ match: 'core/flow', stepMs: 200 }] });
  await using hub = await openFlowHub(folder.path);
  const { finished } = await hub.engine.start(delays(1));
  expect((await finished).error).toMatchObject({
    code: 'STEP_TIMED_OUT',
    data: { timeoutMs: 200 },
  });
});

test('a limit leaves shorter deadlines, and other plugins, as they are', async () => {
  using folder = temporaryFolder('step-limit');
  applyPolicy(folder.path, [], {
    limits: [
      { match: 'core/flow', stepMs: LONG_MS },
      { match: 'core/screen', stepMs: 10 },
    ],
  });
  await using hub = await openFlowHub(folder.path);
  const chain = delays(1);
  const nodes = { n0: { ...chain.nodes['n0'], type: 'core/flow:delay', timeoutMs: 150 } };
  const { finished } = await hub.engine.start({ ...chain, nodes });
  expect((await finished).error).toMatchObject({
    code: 'STEP_TIMED_OUT',
    data: { timeoutMs: 150 },
  });
});
