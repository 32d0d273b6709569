import fc from 'fast-check';
import { expect, test } from 'vitest';
import { runId } from '@runtime-hub/plugin-sdk/contract';
import { retryDelay } from '../../../kernel/run/retry.ts';
import type { PlanNode } from '../../../kernel/workflow/plan.ts';
import { RUN, errorReport, planOf, type Sketch } from './sketch.ts';
import { broken, crashed, denied, timedOut, wrongInput } from './trace.ts';

function nodeOf(sketch: Sketch[string]): PlanNode {
  const [node] = planOf({ shot: sketch }).nodes;
  return node ?? expect.fail('no node');
}
const retry = { maxAttempts: 4, delayMs: 100, maxDelayMs: 1000 };
const tried = nodeOf({ type: 'idempotent', retry });

test('a step without a policy is tried again only for the sake of its host, and only when it may be repeated', () => {
  for (const type of ['pure', 'idempotent', 'external']) {
    expect(retryDelay(nodeOf(type), RUN, 1, broken)).toBeNull();
    expect(retryDelay(nodeOf(type), RUN, 1, timedOut)).toBeNull();
  }
  for (const attempt of [1, 2])
    expect(retryDelay(nodeOf('idempotent'), RUN, attempt, crashed)).not.toBeNull();
  expect(retryDelay(nodeOf('idempotent'), RUN, 3, crashed)).toBeNull();
  expect(retryDelay(nodeOf('external'), RUN, 1, crashed)).toBeNull();
});

test('a policy ends with its last attempt and does not try what cannot be cured', () => {
  const delays = [1, 2, 3, 4, 5].map((attempt) => retryDelay(tried, RUN, attempt, broken));
  expect(delays.map((delay) => delay === null)).toEqual([false, false, false, true, true]);
  for (const error of [wrongInput, denied]) expect(retryDelay(tried, RUN, 1, error)).toBeNull();
  const loading = errorReport('HOST_LOAD_FAILED', { plugin: 'test/steps', message: 'x' });
  expect(retryDelay(nodeOf('idempotent'), RUN, 1, loading)).toBeNull();
});

test('a wait is whole milliseconds below a ceiling that doubles up to its maximum, and a replay gives the same', () => {
  const policy = fc.record({
    maxAttempts: fc.constant(100),
    delayMs: fc.integer({ min: 0, max: 3_600_000 }),
    maxDelayMs: fc.integer({ min: 0, max: 3_600_000 }),
  });
  const attempts = fc.integer({ min: 1, max: 99 });
  const property = fc.property(policy, attempts, fc.uuid(), (chosen, attempt, id) => {
    const node = { ...tried, retry: chosen };
    const delay = retryDelay(node, runId(id), attempt, broken);
    const ceiling = Math.min(chosen.maxDelayMs, chosen.delayMs * 2 ** (attempt - 1));
    expect(Number.isInteger(delay)).toBe(true);
    expect(delay).toBeGreaterThanOrEqual(0);
    expect(delay).toBeLessThanOrEqual(ceiling);
    expect(retryDelay(node, runId(id), attempt, broken)).toBe(delay);
  });
  fc.assert(property, { numRuns: 300 });
});
