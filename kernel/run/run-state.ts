import type { ErrorReport, JsonObject, RunId, StepReport } from '@runtime-hub/plugin-sdk/contract';
import type { Plan } from '../workflow/plan.ts';

export type NodeStatus =
  | 'pending'
  | 'ready'
  | 'running'
  | 'retrying'
  | 'waiting'
  | 'unknown'
  | 'finished'
  | 'failed'
  | 'skipped';
export type EndStatus = 'succeeded' | 'failed' | 'cancelled';
export type RunStatus = 'running' | EndStatus;
type Reports = readonly StepReport[];

/** What the machine consumes; plain JSON, journaled in order. */
export type Input =
  | { readonly type: 'run.started' }
  | { readonly type: 'step.intended'; readonly node: string }
  | { readonly type: 'steps.finished'; readonly first: string; readonly reports: Reports }
  | { readonly type: 'segment.failed'; readonly node: string; readonly error: ErrorReport }
  | { readonly type: 'timer.fired'; readonly node: string }
  | { readonly type: 'permission.waiting'; readonly node: string }
  | { readonly type: 'permission.granted'; readonly node: string }
  | { readonly type: 'permission.denied'; readonly node: string; readonly error: ErrorReport }
  | { readonly type: 'cancel.requested'; readonly reason: string }
  | { readonly type: 'recovered' }
  | { readonly type: 'resolved'; readonly node: string; readonly as: 'done' | 'retry' | 'fail' };

export type Effect =
  | { readonly type: 'run-segment'; readonly first: number; readonly members: readonly number[] }
  | { readonly type: 'set-timer'; readonly node: number; readonly ms: number }
  | { readonly type: 'cancel-segment'; readonly first: number }
  | { readonly type: 'finish'; readonly status: EndStatus; readonly error: ErrorReport | null };

/** What became of a node, for events; derived, never journaled. */
export interface Fact {
  readonly node: number;
  readonly status: 'finished' | 'failed' | 'skipped' | 'unknown';
  readonly ms: number;
  readonly outputs?: JsonObject;
  readonly error?: ErrorReport;
  readonly retryInMs?: number;
}

export interface RunState {
  readonly run: RunId;
  readonly trigger: { readonly node: string; readonly outputs: JsonObject } | null;
  status: RunStatus;
  readonly nodes: NodeStatus[];
  /** Edges that have not settled, and edges that arrived alive, per node. */
  readonly outstanding: Int32Array;
  readonly alive: Int32Array;
  readonly attempts: Int32Array;
  readonly intended: Uint8Array;
  readonly outputs: (JsonObject | null)[];
  readonly flights: Map<number, readonly number[]>;
  ready: number[];
  open: number;
}

/** The state before `run.started`. */
export function initialState(plan: Plan, run: RunId, trigger: RunState['trigger']): RunState {
  const count = plan.nodes.length;
  return {
    run,
    trigger,
    status: 'running',
    nodes: plan.nodes.map(() => 'pending'),
    outstanding: Int32Array.from(plan.incoming, (edges) => edges.length),
    alive: new Int32Array(count),
    attempts: new Int32Array(count),
    intended: new Uint8Array(count),
    outputs: plan.nodes.map(() => null),
    flights: new Map(),
    ready: [],
    open: count,
  };
}
