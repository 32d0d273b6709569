import type { HubEvent, ImageHandle, Json, Reading, RunId } from '@runtime-hub/plugin-sdk/contract';
import type { Hub } from '../hub.ts';
import type { Crop, Decision, DemoHub } from './decision.ts';
import type { DemoEvent } from './lines.ts';

const QUEUE_LENGTH = 10_000;

type StepFinished = Extract<HubEvent, { type: 'step.finished' }>;

/** One run of the sample workflow as far as it has come. */
interface Progress {
  readonly startedAt: number;
  readonly steps: Map<string, StepFinished>;
}

/** Reads the demo's decisions from the events and blobs of a running hub; `tell` gets each stage as it happens. */
export function createLiveHub(hub: Hub, tell: (event: DemoEvent) => void): DemoHub {
  const runs = new Map<RunId, Progress>();
  let idle = Promise.withResolvers<void>();
  idle.resolve();
  return {
    async *decisions(signal) {
      using events = hub.bus.subscribe({ capacity: QUEUE_LENGTH });
      signal.addEventListener('abort', () => events[Symbol.dispose](), { once: true });
      for await (const event of events) {
        if (!('type' in event)) throw new Error('The demo lost events.');
        if (event.type === 'run.started') {
          if (runs.size === 0) idle = Promise.withResolvers<void>();
          runs.set(event.run, { startedAt: event.at, steps: new Map() });
        }
        if (event.type === 'step.finished') {
          runs.get(event.run)?.steps.set(event.node, event);
          const line = stageOf(event);
          if (line !== null) tell(line);
        }
        if (event.type !== 'run.finished') continue;
        const progress = runs.get(event.run);
        runs.delete(event.run);
        if (runs.size === 0) idle.resolve();
        const decision = progress === undefined ? null : await decisionOf(hub, event.run, progress);
        if (decision !== null) yield decision;
      }
    },
    settled: async () => await idle.promise,
  };
}

function stageOf({ node, ms, outputs = {} }: StepFinished): DemoEvent | null {
  switch (node) {
    case 'shot': {
      const { x, y, width, height } = imageOf(outputs);
      return { type: 'screen-captured', ms, area: { x, y, width, height } };
    }
    case 'read': {
      const { text, confidence } = readingOf(outputs);
      return { type: 'text-read', ms, text, confidence };
    }
    case 'over':
      return { type: 'number-detected', ms, value: valueOf(outputs), decision: branchOf(outputs) };
    case 'click': {
      // SAFETY: the broker checked it against the contract.
      const { x, y } = outputs['clicked'] as { x: number; y: number };
      return { type: 'click-executed', ms, x, y };
    }
    default:
      return null;
  }
}

/** Null for a run that came to no decision, as when the window was drawn again with the same number. */
async function decisionOf(hub: Hub, run: RunId, progress: Progress): Promise<Decision | null> {
  const { startedAt, steps } = progress;
  const [changed, shot, read, once, over, click] = [
    'changed',
    'shot',
    'read',
    'once',
    'over',
    'click',
  ].map((node) => steps.get(node));
  if (shot?.outputs === undefined || read?.outputs === undefined || over?.outputs === undefined)
    return null;
  const { value, text, confidence } = readingOf(read.outputs);
  const noticedAt = changed?.outputs?.['at'];
  return {
    run,
    changedAt: typeof noticedAt === 'number' ? noticedAt : startedAt,
    value,
    text,
    confidence,
    decision: branchOf(over.outputs),
    crop: await cropOf(hub, imageOf(shot.outputs)),
    stageMs: {
      capture: shot.ms,
      read: read.ms,
      decide: (once?.ms ?? 0) + over.ms,
      click: click?.ms ?? null,
    },
  };
}

async function cropOf(hub: Hub, image: ImageHandle): Promise<Crop> {
  return { width: image.width, height: image.height, bgrx: await hub.blobs.read(image.blob) };
}

type Outputs = NonNullable<StepFinished['outputs']>;

// SAFETY (all below): outputs of the built-in plugins, checked against their schemas where they arose.
const imageOf = (outputs: Outputs): ImageHandle => outputs['image'] as unknown as ImageHandle;
const readingOf = (outputs: Outputs): Reading => outputs['number'] as unknown as Reading;

function branchOf(outputs: Outputs): Decision['decision'] {
  if (outputs['true'] !== undefined) return 'click';
  return outputs['false'] === undefined ? 'unreadable' : 'no-click';
}

function valueOf(outputs: Outputs): number | null {
  const value: Json = outputs['true'] ?? outputs['false'] ?? null;
  if (typeof value === 'number') return value;
  return (value as unknown as Reading | null)?.value ?? null;
}
