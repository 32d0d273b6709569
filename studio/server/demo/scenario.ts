import { HubError } from '@runtime-hub/plugin-sdk/contract';
import type { Decision, DemoHub, DemoResult, Outcome, StageName } from './decision.ts';
import { STAGES, spreadOf } from './decision.ts';
import type { DemoEvent } from './lines.ts';
import type { StageClick } from './stage.ts';
import { demoValues, expectationOf, seededRandom } from './values.ts';

/** Physical pixels of the virtual screen, and logical ones that the window takes with its frame: it stays in sight. */
const SCREEN = { width: 1920, height: 1080 } as const;
const WINDOW = { width: 600, height: 480 } as const;
/** How long a decision or a click may take before it counts as missed. */
const PATIENCE_MS = 2000;
/** How long the workflow may take until it watches. */
const START_MS = 20_000;
/** The X server may tell of a change a little before this program asked for it. */
const SOONER_MS = 30;
/** A person looks at a number for a moment before the next comes: 60 to 180 ms, waited out by the application. */
const PAUSE_MS = { shortest: 60, longest: 180 } as const;

/** The part of a stage that the scenario plays on. */
export interface DemoStage {
  readonly scale: number;
  show(value: string, options: { readonly afterMs: number }): Promise<number>;
  move(x: number, y: number): void;
  clicks(): readonly StageClick[];
  onClick(listener: (click: StageClick) => void): () => void;
}

export interface ScenarioOptions {
  readonly stage: DemoStage;
  readonly hub: DemoHub;
  readonly changes?: number;
  readonly seed?: number;
  /** Moves the window between changes. */
  readonly moving?: boolean;
  readonly onEvent?: (event: DemoEvent) => void;
}

/** Shows one value after the other, waits for each decision, and scores them by what the application saw. */
export async function playScenario(options: ScenarioOptions): Promise<DemoResult> {
  const {
    stage,
    hub,
    changes = 30,
    seed = 42,
    moving = false,
    onEvent = () => undefined,
  } = options;
  const startedAt = Date.now();
  const random = seededRandom(seed);
  const room = {
    x: SCREEN.width / stage.scale - WINDOW.width,
    y: SCREEN.height / stage.scale - WINDOW.height,
  };
  const ending = new AbortController();
  const decisions = hub.decisions(ending.signal)[Symbol.asyncIterator]();
  const inbox = createInbox(decisions);
  const outcomes: Outcome[] = [];
  try {
    await firstLook(inbox);
    for (const [index, shown] of demoValues(changes, random).entries()) {
      await hub.settled();
      inbox.clear();
      if (moving) stage.move(random() * room.x, random() * room.y);
      const pause = PAUSE_MS.shortest + random() * (PAUSE_MS.longest - PAUSE_MS.shortest);
      const outcome = await playChange({ stage, inbox, onEvent }, index + 1, shown, pause);
      outcomes.push(outcome);
    }
    await hub.settled();
  } finally {
    ending.abort();
  }
  return scored(withLateClicks(outcomes, stage.clicks()), { seed, scale: stage.scale, startedAt });
}

/** The workflow looks once when it begins to watch; only then a change is sure to be seen. */
async function firstLook(inbox: Inbox): Promise<void> {
  const decision = await inbox.next(() => true, START_MS);
  if (decision !== null) return;
  const message = `the workflow did not look at the window within ${String(START_MS / 1000)} s`;
  throw new HubError('SCREEN_UNAVAILABLE', { message });
}

interface Playing {
  readonly stage: DemoStage;
  readonly inbox: Inbox;
  readonly onEvent: (event: DemoEvent) => void;
}

async function playChange(
  { stage, inbox, onEvent }: Playing,
  change: number,
  shown: string,
  pauseMs: number,
): Promise<Outcome> {
  const expected = expectationOf(shown);
  const before = stage.clicks().length;
  // Nothing was going on, so whatever is decided from here on is about this change, a move of the window included.
  const since = Date.now() - SOONER_MS;
  const paintedAt = await stage.show(shown, { afterMs: Math.round(pauseMs) });
  onEvent({ type: 'number-changed', change, shown, at: paintedAt });
  const decision = await inbox.next((it) => it.changedAt >= since, PATIENCE_MS);
  if (decision !== null) onEvent({ type: 'decided', change, decision, paintedAt });
  if (decision?.decision === 'click') await clickAfter(stage, before, PATIENCE_MS);
  const clicks = stage.clicks().slice(before);
  const outcome = judged({ change, shown, expected, paintedAt, decision, clicks });
  onEvent({ type: 'judged', outcome });
  return outcome;
}

async function clickAfter(stage: DemoStage, count: number, patienceMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = stage.onClick(() => resolve());
  if (stage.clicks().length > count) resolve();
  const timer = setTimeout(resolve, patienceMs);
  await promise;
  clearTimeout(timer);
  stop();
}

type Facts = Omit<Outcome, 'verdict' | 'changeToClickMs'>;

function judged(facts: Facts): Outcome {
  const first = facts.clicks[0];
  return {
    ...facts,
    verdict: verdictOf(facts),
    changeToClickMs: first === undefined ? null : first.at - facts.paintedAt,
  };
}

function verdictOf({ expected, decision, clicks, shown }: Facts): Outcome['verdict'] {
  const wanted = expected.decision === 'click' ? 1 : 0;
  if (clicks.length > wanted || clicks.some((click) => click.value !== shown)) return 'wrong';
  if (decision === null || clicks.length < wanted) return 'missed';
  if (decision.decision !== expected.decision || decision.value !== expected.value) return 'wrong';
  return 'right';
}

/** A press that came after its change was judged still counts against it. */
function withLateClicks(
  outcomes: readonly Outcome[],
  all: readonly StageClick[],
): readonly Outcome[] {
  const counted = new Set(outcomes.flatMap((outcome) => outcome.clicks));
  const late = all.filter((click) => !counted.has(click));
  return outcomes.map((outcome, index) => {
    const until = outcomes[index + 1]?.paintedAt ?? Infinity;
    const more = late.filter((click) => click.at >= outcome.paintedAt && click.at < until);
    return more.length === 0
      ? outcome
      : judged({ ...outcome, clicks: [...outcome.clicks, ...more] });
  });
}

function scored(
  outcomes: readonly Outcome[],
  about: Pick<DemoResult, 'seed' | 'scale' | 'startedAt'>,
): DemoResult {
  const expectsClick = (outcome: Outcome): boolean => outcome.expected.decision === 'click';
  const count = (test: (outcome: Outcome) => boolean): number => outcomes.filter(test).length;
  const stages = Object.fromEntries(
    STAGES.map((stage) => [stage, spreadOf(outcomes.flatMap((it) => stageMs(it, stage)))]),
  );
  return {
    ...about,
    outcomes,
    changes: outcomes.length,
    expectedClicks: count(expectsClick),
    done: count((it) => expectsClick(it) && it.verdict === 'right'),
    wrong: count((it) => it.verdict === 'wrong'),
    missed: count((it) => it.verdict === 'missed'),
    changeToClick: spreadOf(outcomes.flatMap((it) => it.changeToClickMs ?? [])),
    // SAFETY: made from STAGES just above, so every stage is there.
    stages: stages as DemoResult['stages'],
  };
}

/** Milliseconds one stage took for one change; empty when it did not happen. */
export function stageMs(outcome: Outcome, stage: StageName): readonly number[] {
  const { decision, paintedAt, changeToClickMs } = outcome;
  if (decision === null) return [];
  const { capture, read, decide, click } = decision.stageMs;
  const noticed = Math.max(0, decision.changedAt - paintedAt);
  if (stage === 'notice') return [noticed];
  if (stage === 'capture') return [capture];
  if (stage === 'read') return [read];
  if (stage === 'decide') return [decide];
  if (click === null || changeToClickMs === null) return [];
  if (stage === 'click') return [click];
  return [Math.max(0, changeToClickMs - noticed - capture - read - decide - click)];
}

interface Inbox {
  next(wanted: (decision: Decision) => boolean, patienceMs: number): Promise<Decision | null>;
  clear(): void;
}

/** Reads ahead, so that a decision is never left waiting and stale ones can be thrown away. */
function createInbox(decisions: AsyncIterator<Decision>): Inbox {
  const waiting: Decision[] = [];
  let wake = Promise.withResolvers<void>();
  const read = async (): Promise<void> => {
    for (;;) {
      const next = await decisions.next();
      if (next.done === true) return;
      waiting.push(next.value);
      wake.resolve();
    }
  };
  let failure: unknown = null;
  void read().catch((error: unknown) => {
    failure = error;
    wake.resolve();
  });
  return {
    clear: () => void waiting.splice(0),
    next: async (wanted, patienceMs) => {
      const late = AbortSignal.timeout(patienceMs);
      late.addEventListener('abort', () => wake.resolve());
      for (;;) {
        if (failure !== null) throw failure;
        const found = waiting.findIndex(wanted);
        if (found >= 0) return waiting.splice(0, found + 1).at(-1) ?? null;
        if (late.aborted) return null;
        await wake.promise;
        wake = Promise.withResolvers<void>();
      }
    },
  };
}
