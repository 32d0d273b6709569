import { inflateSync } from 'node:zlib';
import { expect, test } from 'vitest';
import type { Decision, DemoHub } from '../../../../studio/server/demo/decision.ts';
import { pngOf } from '../../../../studio/server/demo/png.ts';
import { reportOf } from '../../../../studio/server/demo/report.ts';
import { playScenario, type DemoStage } from '../../../../studio/server/demo/scenario.ts';
import type { StageClick } from '../../../../studio/server/demo/stage.ts';
import { demoValues, expectationOf, seededRandom } from '../../../../studio/server/demo/values.ts';

/** A decision about `shown`, just made. */
function look(shown: string, made: Pick<Decision, 'value' | 'decision'>): Decision {
  const stageMs = { capture: 0.2, read: 5, decide: 0.4, click: 1 };
  const crop = { width: 2, height: 1, bgrx: Uint8Array.of(1, 2, 3, 0, 4, 5, 6, 0) };
  return { run: 'r', changedAt: Date.now(), text: shown, confidence: 90, crop, stageMs, ...made };
}

/** A window and a hub without a screen: `decide` says what the hub makes of a shown value, and whether it presses. */
function theatre(decide: (shown: string) => Pick<Decision, 'value' | 'decision'>) {
  const clicks: StageClick[] = [];
  const listeners = new Set<(click: StageClick) => void>();
  const decided: Decision[] = [];
  let wake = Promise.withResolvers<void>();
  decided.push(look('–', { value: null, decision: 'unreadable' }));
  const stage: DemoStage = {
    scale: 1,
    show: async (shown) => {
      const made = decide(shown);
      const decision = look(shown, made);
      const at = decision.changedAt;
      decided.push(decision);
      wake.resolve();
      if (made.decision === 'click') {
        const click = { at: at + 12, value: shown };
        clicks.push(click);
        for (const listener of listeners) listener(click);
      }
      return at;
    },
    move: () => undefined,
    clicks: () => [...clicks],
    onClick: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const hub: DemoHub = {
    settled: async () => undefined,
    decisions: async function* (signal) {
      signal.addEventListener('abort', () => wake.resolve());
      while (!signal.aborted) {
        yield* decided.splice(0);
        await wake.promise;
        wake = Promise.withResolvers<void>();
      }
    },
  };
  return { stage, hub };
}

test('a hub that decides as a person would has every change right', async () => {
  const result = await playScenario({ ...theatre(expectationOf), changes: 30, seed: 7 });
  expect(result).toMatchObject({ changes: 30, wrong: 0, missed: 0, done: result.expectedClicks });
  expect(result.changeToClick?.median).toBe(12);
});

test('a click on 42 or less is wrong, and so is taking a blank for a number', async () => {
  const { stage, hub } = theatre((shown) => ({ value: Number(shown), decision: 'click' }));
  const result = await playScenario({ stage, hub, changes: 8, seed: 1 });
  const wrong = result.outcomes.filter((it) => it.verdict === 'wrong').map((it) => it.shown);
  expect(wrong.toSorted()).toEqual(['', '-6', '1,042', '41', '42', '4Z'].toSorted());
});

test('an expected click that never comes is missed', async () => {
  const { stage, hub } = theatre((shown) => ({ ...expectationOf(shown), decision: 'no-click' }));
  const result = await playScenario({ stage, hub, changes: 8, seed: 1 });
  expect(result.missed).toBe(result.expectedClicks);
});

test('the same seed shows the same values, and the hard ones are among them', () => {
  const values = demoValues(30, seededRandom(42));
  expect(values).toEqual(demoValues(30, seededRandom(42)));
  expect(values).toEqual(
    expect.arrayContaining(['41', '42', '43', '1,042', '42.5', '-6', '4Z', '']),
  );
  expect(values.every((value, index) => value !== values[index + 1])).toBe(true);
});

test.each([
  ['41', 41, 'no-click'],
  ['42', 42, 'no-click'],
  ['43', 43, 'click'],
  ['1,042', 1042, 'click'],
  ['42.5', 42.5, 'click'],
  ['-6', -6, 'no-click'],
  ['4Z', null, 'unreadable'],
  ['', null, 'unreadable'],
] as const)('a person reads “%s” as %s: %s', (shown, value, decision) => {
  expect(expectationOf(shown)).toEqual({ value, decision });
});

test('a crop becomes a PNG with red, green and blue in their places', () => {
  const png = pngOf({ width: 2, height: 1, bgrx: Uint8Array.of(1, 2, 3, 0, 4, 5, 6, 0) });
  const data = png.indexOf('IDAT');
  const rows = inflateSync(png.subarray(data + 4, data + 4 + png.readUInt32BE(data - 4)));
  expect([...rows]).toEqual([0, 3, 2, 1, 6, 5, 4]);
});

test('the report loads nothing from outside and escapes what was read', async () => {
  const { stage, hub } = theatre(expectationOf);
  const result = await playScenario({ stage, hub, changes: 8, seed: 3 });
  const first = result.outcomes[0];
  if (first === undefined) throw new Error('no outcome');
  const page = reportOf({ ...result, outcomes: [{ ...first, shown: '<script>' }] });
  expect(page).not.toMatch(/<script|src="(?!data:)|href=|url\(/u);
  expect(page).toContain('&lt;script>');
});
