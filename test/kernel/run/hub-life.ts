import {
  runId,
  type HubEvent,
  type RunId,
  type StepReport,
  type WorkflowDocument,
} from '@runtime-hub/plugin-sdk/contract';
import { journalMemory } from '../../support/journal-memory.ts';
import type {
  Clock,
  Journal,
  JournalEntry,
  RunRecord,
  SegmentRequest,
  TriggerListener,
} from '../../../kernel/ports.ts';
import type { PermissionPort, RunOutcome } from '../../../kernel/run/driver.ts';
import { createEngine, type Engine } from '../../../kernel/run/engine.ts';
import { ok, steps } from './sketch.ts';

/** All timers fire at once, in the next microtask: delays are the machine's business and tested there. */
const impatient: Clock = {
  now: () => 0,
  after(_ms, fn) {
    let on = true;
    queueMicrotask(() => {
      if (on) fn();
    });
    return { [Symbol.dispose]: () => void (on = false) };
  },
};

/** What is left of a run when the power goes: its record and the journal's first entries. */
export interface Leftover {
  readonly record: RunRecord;
  readonly entries: readonly JournalEntry[];
}

type RecordingJournal = Journal & { readonly kept: () => Leftover };

/** A memory journal that keeps a copy of one run's record and entries, also when the run has ended. */
function recordingJournal(): RecordingJournal {
  const journal = journalMemory();
  const entries: JournalEntry[] = [];
  let record: RunRecord | null = null;
  return {
    ...journal,
    async create(given) {
      record = given;
      await journal.create(given);
    },
    async append(run, epoch, more) {
      await journal.append(run, epoch, more);
      entries.push(...more);
    },
    kept() {
      if (record === null) throw new Error('nothing was created');
      return { record, entries };
    },
  };
}

/** A journal as found after a crash that let `count` entries reach the disk. */
export async function journalAfter(left: Leftover, count: number): Promise<RecordingJournal> {
  const journal = recordingJournal();
  await journal.create(left.record);
  await journal.append(left.record.id, 1, left.entries.slice(0, count));
  return journal;
}

export type Answer = (
  node: string,
  request: SegmentRequest,
  signal: AbortSignal,
) => StepReport | Promise<StepReport>;

export interface HubLife {
  readonly engine: Engine;
  /** Names of the steps that were begun, in order. */
  readonly ran: readonly string[];
  readonly events: readonly HubEvent[];
  /** Resolves with the first event that fits, now or later. */
  readonly event: <T extends HubEvent['type']>(
    type: T,
    fits?: (event: Extract<HubEvent, { type: T }>) => boolean,
  ) => Promise<Extract<HubEvent, { type: T }>>;
}

interface HubLifeOptions {
  readonly answer?: Answer;
  readonly missing?: PermissionPort['missing'];
  readonly plugins?: typeof steps;
  readonly clock?: Clock;
  readonly listener?: TriggerListener;
}

/** An engine on a journal, from the start of a hub to its crash. */
export function hubLife(journal: Journal, options: HubLifeOptions = {}): HubLife {
  const ran: string[] = [];
  const events: HubEvent[] = [];
  const hooks = new Set<(event: HubEvent) => void>();
  let ids = 0;
  const answer = options.answer ?? ((node): StepReport => ok(node, { out: 1 }));
  const engine = createEngine({
    clock: options.clock ?? impatient,
    ids: { next: () => `run-${String((ids += 1)).padStart(8, '0')}` },
    journal,
    plugins: options.plugins ?? steps,
    executor: {
      async run(request, signal) {
        const reports: StepReport[] = [];
        for (const { node } of request.steps) {
          ran.push(node);
          const report = await answer(node, request, signal);
          reports.push(report);
          if (!report.ok) break;
        }
        return reports;
      },
    },
    listener: options.listener ?? { listen: async () => await Promise.resolve() },
    permissions: { missing: options.missing ?? (() => []) },
    events: {
      emit(event) {
        events.push(event);
        for (const hook of hooks) hook(event);
      },
    },
  });
  return {
    engine,
    ran,
    events,
    async event(type, fits = () => true) {
      type Wanted = Extract<HubEvent, { type: typeof type }>;
      const wanted = (event: HubEvent): event is Wanted =>
        // SAFETY: the type says which event it is.
        event.type === type && fits(event as Wanted);
      const known = events.find(wanted);
      if (known !== undefined) return known;
      return await new Promise<Wanted>((resolve) => {
        hooks.add((event) => {
          if (wanted(event)) resolve(event);
        });
      });
    },
  };
}

/** Plays a whole run and returns what its journal holds. */
export async function runToEnd(
  workflow: WorkflowDocument,
  options: HubLifeOptions,
): Promise<{ readonly left: Leftover; readonly outcome: RunOutcome }> {
  const journal = recordingJournal();
  const life = hubLife(journal, options);
  const { finished } = await life.engine.start(workflow);
  const outcome = await finished;
  await life.engine.close();
  return { left: journal.kept(), outcome };
}

export const FIRST_RUN: RunId = runId('run-00000001');
