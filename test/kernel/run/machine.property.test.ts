import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { advance } from '../../../kernel/run/machine.ts';
import { initialState, type Effect, type RunState } from '../../../kernel/run/run-state.ts';
import type { Plan } from '../../../kernel/workflow/plan.ts';
import { Play, type Choose } from './play.ts';
import { RUN, planOf, type Sketch } from './sketch.ts';

const RUNS = { numRuns: 500 };
/** More than any run of twelve nodes can need: each has three attempts and can wait, crash and be asked about in each. */
const MANY = 4000;

const retry = { maxAttempts: 3, delayMs: 10, maxDelayMs: 100 };
const node = fc.record(
  {
    type: fc.constantFrom('pure', 'pure', 'idempotent', 'external', 'asking', 'merge'),
    retry: fc.constant(retry),
    disabled: fc.constant(true),
  },
  { requiredKeys: ['type'] },
);
const edge = fc.record({
  from: fc.nat(),
  to: fc.nat(),
  ports: fc.constantFrom(
    ['out', 'in'],
    ['out', 'in'],
    ['out', 'other'],
    ['yes', 'in'],
    ['no', 'other'],
    ['done', 'run'],
    ['error', 'in'],
  ),
});
const settings = fc.record(
  {
    maxParallelSteps: fc.integer({ min: 1, max: 4 }),
    onUnknown: fc.constantFrom('ask', 'retry', 'skip', 'fail'),
  },
  { requiredKeys: [] },
);

/** Any workflow of at most twelve nodes whose edges all go forward. */
const plans = fc
  .record({
    nodes: fc.array(node, { minLength: 1, maxLength: 12 }),
    edges: fc.array(edge, { maxLength: 24 }),
    settings,
  })
  .map(({ nodes, edges, settings: chosen }): Plan => {
    const sketch: Sketch = Object.fromEntries(
      nodes.map(({ type, ...more }, i) => [`n${String(i)}`, { type, ...more }]),
    );
    const forward = edges.flatMap(({ from, to, ports: [out = '', into = ''] }) => {
      const [a, b] = [from % nodes.length, to % nodes.length].toSorted((x, y) => x - y);
      return a === b ? [] : [`n${String(a)}.${out} n${String(b)}.${into}`];
    });
    return planOf(sketch, forward, chosen);
  });

/** What the world does: some chosen answers, then only calm ones, so that every run may end. */
const choices = fc.array(fc.nat(), { maxLength: 300 });
const chooser = (list: readonly number[]): Choose => {
  let next = 0;
  return (limit) => (list[next++] ?? 0) % limit;
};

function played(plan: Plan, list: readonly number[]): Play {
  const play = new Play(plan, chooser(list));
  play.toTheEnd(MANY);
  return play;
}

function replayed(plan: Plan, play: Play, count: number): RunState {
  let state = initialState(plan, RUN, null);
  for (const input of play.inputs.slice(0, count)) state = advance(plan, state, input).state;
  return state;
}

test('no step starts twice, before its inputs, beyond the limit or after the end, whatever the hosts do', () => {
  const property = fc.property(plans, choices, (plan, list) => {
    expect(played(plan, list).faults).toEqual([]);
  });
  fc.assert(property, RUNS);
});

test('a run ends exactly once, and then every node has ended in the state that was told', () => {
  const property = fc.property(plans, choices, (plan, list) => {
    const play = played(plan, list);
    expect(play.ends).toHaveLength(1);
    const last = play.states.at(-1);
    expect(last?.status).toBe(play.ends[0]?.status);
    expect(last?.nodes).toEqual(plan.nodes.map((_, i) => play.settled.get(i)?.status));
    expect([...play.flights.keys()]).toEqual([]);
  });
  fc.assert(property, RUNS);
});

/** What a person reads from the drawing: does this node run, given what became of those before it? */
function shouldRun(plan: Plan, play: Play, i: number): boolean {
  const spec = plan.nodes[i];
  const edges = plan.incoming[i] ?? [];
  const alive = edges.filter((each) => {
    const source = play.settled.get(plan.from[each] ?? -1);
    const port = plan.ports[each]?.[0] ?? '';
    if (source?.status === 'failed') return port === 'error';
    return source?.status === 'finished' && (port === 'done' || port in (source.outputs ?? {}));
  });
  if (spec?.disabled !== false) return false;
  if (edges.length === 0) return true;
  return spec.nodeType.join === 'all' ? alive.length === edges.length : alive.length > 0;
}

test('in a run that succeeded exactly those nodes ran whose edges brought something', () => {
  let seen = 0;
  const asking = plans.filter((plan) => plan.document.settings?.onUnknown !== 'skip');
  const property = fc.property(asking, choices, (plan, list) => {
    const play = played(plan, list);
    if (play.ends[0]?.status !== 'succeeded') return;
    seen += 1;
    const ran = plan.nodes.map((_, i) => play.settled.get(i)?.status !== 'skipped');
    expect(ran).toEqual(plan.nodes.map((_, i) => shouldRun(plan, play, i)));
  });
  fc.assert(property, RUNS);
  expect(seen).toBeGreaterThan(50);
});

test('a run fails exactly when a step failed for good and nobody took its error', () => {
  const property = fc.property(plans, choices, (plan, list) => {
    const play = played(plan, list);
    const fatal = plan.nodes.filter((_, i) => {
      const taken = plan.outgoing[i]?.some((each) => plan.ports[each]?.[0] === 'error') ?? false;
      return play.settled.get(i)?.status === 'failed' && !taken;
    });
    expect(fatal.length).toBe(play.ends[0]?.status === 'failed' ? 1 : 0);
  });
  fc.assert(property, RUNS);
});

test('a replay of any prefix of the inputs gives the very state that was reached live', () => {
  const property = fc.property(plans, choices, (plan, list) => {
    const play = played(plan, list);
    for (const [count, live] of play.states.entries()) {
      const state = replayed(plan, play, count);
      if (!isDeepStrictEqual(state, live)) expect(state).toEqual(live);
    }
    expect(play.states).toHaveLength(play.inputs.length + 1);
  });
  fc.assert(property, { numRuns: 200 });
});

test('a replay of the whole gives the very effects again, in order', () => {
  const property = fc.property(plans, choices, (plan, list) => {
    const play = played(plan, list);
    let state = initialState(plan, RUN, null);
    const again: Effect[] = [];
    for (const input of play.inputs) {
      const turn = advance(plan, state, input);
      state = turn.state;
      again.push(...turn.effects);
    }
    expect(again).toEqual(play.effects);
  });
  fc.assert(property, { numRuns: 200 });
});

test('after a crash exactly what was under way is started again; what had begun outside is asked about', () => {
  const unlimited = plans.filter(({ document: { settings: it } }) => {
    return it?.maxParallelSteps === undefined && (it?.onUnknown ?? 'ask') === 'ask';
  });
  const property = fc.property(unlimited, choices, fc.nat(), (plan, list, at) => {
    const play = played(plan, list);
    const before = new Play(plan, chooser([]));
    const whole = play.inputs.length - 1;
    for (const input of play.inputs.slice(0, 1 + (at % Math.max(1, whole)))) before.feed(input);
    if (before.ends.length > 0) return;
    const state = before.states.at(-1);
    const begun = (i: number): boolean =>
      plan.nodes[i]?.nodeType.effect === 'external' && state?.intended[i] === 1;
    const under = [...before.flights.keys(), ...before.timers, ...before.waiting];
    const unknown = plan.nodes.flatMap((_, i) => (state?.nodes[i] === 'unknown' ? [i] : []));
    const so = before.effects.length;
    before.feed({ type: 'recovered' });
    const after = before.effects.slice(so).map((it) => (it.type === 'run-segment' ? it.first : -1));
    const asked = plan.nodes.flatMap((_, i) =>
      before.states.at(-1)?.nodes[i] === 'unknown' ? [i] : [],
    );
    expect(ascending(after)).toEqual(ascending(under.filter((i) => !begun(i))));
    expect(asked).toEqual(ascending([...unknown, ...under.filter(begun)]));
  });
  fc.assert(property, RUNS);
});

const ascending = (list: readonly number[]): number[] => list.toSorted((a, b) => a - b);

test('a crash after any prefix is survived: what is left is started again, nothing that ended is, and the run ends', () => {
  const property = fc.property(plans, choices, (plan, list) => {
    const play = played(plan, list);
    for (let count = 1; count < play.inputs.length; count += 1) {
      const again = new Play(plan, chooser([]));
      again.recover(play.inputs.slice(0, count), MANY);
      expect(again.faults).toEqual([]);
      expect(again.ends).toHaveLength(1);
      expect(again.settled.size).toBe(plan.nodes.length);
    }
  });
  fc.assert(property, { numRuns: 150 });
});
