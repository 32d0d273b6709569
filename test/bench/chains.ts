import type { Hub } from '../../studio/server/hub.ts';
import { chainOf } from '../support/hub.ts';
import { medianOf } from './figures.ts';
import type { Row } from './main.ts';

const ROUNDS = 5;
const AT_ONCE = 32;
const GOAL_STEPS_PER_SECOND = 30_000;

/** Steps per second of chains of trivial isolate nodes, every step journaled and every run durable at its end. */
export async function measureChains(hub: Hub): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const [length, runs] of [
    [10, 1600],
    [100, 640],
  ] as const) {
    const perSecond = await medianOf(ROUNDS, async () => await stepsPerSecond(hub, length, runs));
    const isGoal = length === 100;
    rows.push({
      what: `chain of ${String(length)} isolate nodes, ${String(AT_ONCE)} runs at once`,
      figure: `${Math.round(perSecond).toLocaleString('en')} steps/s`,
      ...(isGoal
        ? { budget: '≥ 30,000, aim 70,000', isMet: perSecond >= GOAL_STEPS_PER_SECOND }
        : {}),
    });
  }
  const longMs = await medianOf(
    3,
    async () => 1000 * (50_000 / (await stepsPerSecond(hub, 50_000, 1))),
  );
  rows.push({ what: 'chain of 50,000 nodes, one run', figure: `${longMs.toFixed(0)} ms` });
  rows.push({
    what: 'RSS of the hub after that',
    figure: `${(process.memoryUsage.rss() / 1e6).toFixed(0)} MB`,
  });
  return rows;
}

async function stepsPerSecond(hub: Hub, length: number, runs: number): Promise<number> {
  const workflow = chainOf(length, () => ({ type: 'core/flow:set', config: { value: 1 } }));
  let left = runs;
  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      const { finished } = await hub.engine.start(workflow);
      const outcome = await finished;
      if (outcome.status !== 'succeeded') throw new Error(`A bench run ended ${outcome.status}.`);
    }
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return (length * runs) / ((performance.now() - start) / 1000);
}
