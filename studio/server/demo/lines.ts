import type { Decision, DemoResult, Outcome, Spread } from './decision.ts';
import { STAGES } from './decision.ts';

/** What the demo tells as it happens. */
export type DemoEvent =
  | {
      readonly type: 'number-changed';
      readonly change: number;
      readonly shown: string;
      readonly at: number;
    }
  | {
      readonly type: 'screen-captured';
      readonly ms: number;
      readonly area: {
        readonly x: number;
        readonly y: number;
        readonly width: number;
        readonly height: number;
      };
    }
  | {
      readonly type: 'text-read';
      readonly ms: number;
      readonly text: string;
      readonly confidence: number;
    }
  | {
      readonly type: 'number-detected';
      readonly ms: number;
      readonly value: number | null;
      readonly decision: Decision['decision'];
    }
  | { readonly type: 'click-executed'; readonly ms: number; readonly x: number; readonly y: number }
  | {
      readonly type: 'decided';
      readonly change: number;
      readonly decision: Decision;
      readonly paintedAt: number;
    }
  | { readonly type: 'judged'; readonly outcome: Outcome };

const padded = (ms: number): string => `${ms.toFixed(1)} ms`.padStart(11);

/** One line for the terminal, its milliseconds first; null for what the other lines already say. */
export function lineOf(event: DemoEvent): string | null {
  switch (event.type) {
    case 'number-changed':
      return `\n${String(event.change).padStart(3)}  the window now shows “${event.shown}”`;
    case 'screen-captured': {
      const { x, y, width, height } = event.area;
      return `${padded(event.ms)}  screen captured  ${String(width)}×${String(height)} at ${String(x)},${String(y)}`;
    }
    case 'text-read':
      return `${padded(event.ms)}  text read        “${event.text}” (confidence ${event.confidence.toFixed(0)})`;
    case 'number-detected':
      return `${padded(event.ms)}  number detected  ${event.value === null ? 'none' : String(event.value)} → ${wordsFor[event.decision]}`;
    case 'click-executed':
      return `${padded(event.ms)}  click executed   at ${String(event.x)},${String(event.y)}`;
    case 'decided':
      return null;
    case 'judged':
      return judgedLine(event.outcome);
  }
}

const wordsFor = {
  click: 'above 42',
  'no-click': 'not above 42',
  unreadable: 'unreadable',
} as const;

function judgedLine(outcome: Outcome): string {
  if (outcome.verdict === 'wrong')
    return `             WRONG: expected ${wordsFor[outcome.expected.decision]}`;
  if (outcome.verdict === 'missed') return '             MISSED';
  if (outcome.changeToClickMs === null) return '             right: no click';
  return `${padded(outcome.changeToClickMs)}  from change to click`;
}

const spreadText = (spread: Spread | null): string =>
  spread === null
    ? 'none'
    : `median ${spread.median.toFixed(1)} ms, p95 ${spread.p95.toFixed(1)} ms`;

/** The summary at the end, ready to print. */
export function summaryLines(result: DemoResult): readonly string[] {
  const counts = `${String(result.changes)} changes · ${String(result.expectedClicks)} clicks expected · ${String(result.done)} done · ${String(result.wrong)} wrong · ${String(result.missed)} missed`;
  const stages = STAGES.map((stage) => `  ${stage.padEnd(9)} ${spreadText(result.stages[stage])}`);
  return ['', counts, `change → click: ${spreadText(result.changeToClick)}`, ...stages];
}
