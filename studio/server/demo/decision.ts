/** A piece of a picture: `BGRX`, 4 bytes a pixel, rows without padding. */
export interface Crop {
  readonly width: number;
  readonly height: number;
  readonly bgrx: Uint8Array;
}

/** What the hub decided about one picture, and how long each part took. */
export interface Decision {
  readonly run: string;
  /** When the hub noticed the change, milliseconds since 1970. */
  readonly changedAt: number;
  /** Null when no number could be made out. */
  readonly value: number | null;
  readonly text: string;
  /** 0 to 100. */
  readonly confidence: number;
  readonly decision: 'click' | 'no-click' | 'unreadable';
  readonly crop: Crop | null;
  /** `click` is null when nothing was pressed. */
  readonly stageMs: {
    readonly capture: number;
    readonly read: number;
    readonly decide: number;
    readonly click: number | null;
  };
}

/** What the scenario needs of the hub: its decisions as they are complete, and a way to know that nothing is going on. */
export interface DemoHub {
  /** Each complete decision, oldest first; ends when `signal` aborts. */
  decisions(signal: AbortSignal): AsyncIterable<Decision>;
  /** Resolves when no run of the workflow is in progress. */
  settled(): Promise<void>;
}

/** What came of one change of the number. */
export interface Outcome {
  /** 1, 2, 3 … */
  readonly change: number;
  readonly shown: string;
  readonly expected: Expectation;
  readonly paintedAt: number;
  readonly decision: Decision | null;
  /** Presses of the button that the application saw for this change. */
  readonly clicks: readonly { readonly at: number; readonly value: string }[];
  /** `missed`: no decision in time or an expected click that did not come. `wrong`: decided or read otherwise than a person would. */
  readonly verdict: 'right' | 'wrong' | 'missed';
  /** From the number drawn to the button's handler; null without a click. */
  readonly changeToClickMs: number | null;
}

export interface Expectation {
  /** Null when a person could not tell. */
  readonly value: number | null;
  readonly decision: Decision['decision'];
}

export interface Spread {
  readonly median: number;
  readonly p95: number;
  readonly samples: number;
}

export const STAGES = ['notice', 'capture', 'read', 'decide', 'click', 'handle'] as const;
export type StageName = (typeof STAGES)[number];

/** The whole demo, scored. */
export interface DemoResult {
  readonly seed: number;
  readonly scale: number;
  readonly startedAt: number;
  readonly outcomes: readonly Outcome[];
  readonly changes: number;
  readonly expectedClicks: number;
  readonly done: number;
  readonly wrong: number;
  readonly missed: number;
  readonly changeToClick: Spread | null;
  readonly stages: { readonly [S in StageName]: Spread | null };
}

/** Median and 95th percentile (nearest rank); null without samples. */
export function spreadOf(samples: readonly number[]): Spread | null {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (share: number): number | undefined =>
    sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  const median = at(0.5);
  const p95 = at(0.95);
  if (median === undefined || p95 === undefined) return null;
  return { median, p95, samples: sorted.length };
}
