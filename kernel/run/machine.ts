import type {
  ErrorReport,
  Json,
  JsonObject,
  RunId,
  StepReport,
} from '@runtime-hub/plugin-sdk/contract';
import type { Plan } from '../workflow/plan.ts';
import { segmentFrom } from '../workflow/plan.ts';
import { retryDelay } from './retry.ts';

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
export type RunStatus = 'running' | 'succeeded' | 'failed' | 'cancelled';

/** What the machine consumes; plain JSON, journaled in order. */
export type Input =
  | { readonly type: 'run.started' }
  | { readonly type: 'step.intended'; readonly node: string }
  | {
      readonly type: 'steps.finished';
      readonly first: string;
      readonly reports: readonly StepReport[];
    }
  | { readonly type: 'segment.failed'; readonly node: string; readonly error: ErrorReport }
  | { readonly type: 'timer.fired'; readonly node: string }
  | { readonly type: 'permission.waiting'; readonly node: string }
  | { readonly type: 'permission.granted'; readonly node: string }
  | { readonly type: 'cancel.requested'; readonly reason: string }
  | { readonly type: 'recovered' }
  | { readonly type: 'resolved'; readonly node: string; readonly as: 'done' | 'retry' | 'fail' };

export type Effect =
  | { readonly type: 'run-segment'; readonly first: number; readonly members: readonly number[] }
  | { readonly type: 'set-timer'; readonly node: number; readonly ms: number }
  | { readonly type: 'ask-permission'; readonly node: number }
  | { readonly type: 'cancel-segment'; readonly first: number }
  | {
      readonly type: 'finish';
      readonly status: Exclude<RunStatus, 'running'>;
      readonly error: ErrorReport | null;
    };

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

interface Turn {
  readonly plan: Plan;
  readonly state: RunState;
  readonly effects: Effect[];
  readonly facts: Fact[];
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

/** Decides what follows an input. Consumes the passed state: go on with the one that is returned. */
export function advance(plan: Plan, state: RunState, input: Input): Omit<Turn, 'plan'> {
  const turn: Turn = { plan, state, effects: [], facts: [] };
  if (state.status === 'running') {
    apply(turn, input);
    launch(turn);
  }
  return { state, effects: turn.effects, facts: turn.facts };
}

function apply(turn: Turn, input: Input): void {
  switch (input.type) {
    case 'run.started':
      return start(turn);
    case 'recovered':
      return recover(turn);
    case 'cancel.requested':
      return end(turn, 'cancelled', null);
    case 'steps.finished':
      return finishSteps(turn, input.first, input.reports);
    default:
      return applyToNode(turn, input);
  }
}

function applyToNode(turn: Turn, input: Extract<Input, { node: string }>): void {
  const { state, plan } = turn;
  const node = plan.index.get(input.node);
  if (node === undefined) return;
  const status = state.nodes[node];
  switch (input.type) {
    case 'step.intended':
      state.intended[node] = 1;
      return;
    case 'segment.failed':
      if (!state.flights.delete(node)) return;
      return fail(turn, node, input.error, 0);
    case 'timer.fired':
      if (status === 'retrying') makeReady(state, node);
      return;
    case 'permission.waiting':
      state.flights.delete(node);
      state.nodes[node] = 'waiting';
      return;
    case 'permission.granted':
      if (status === 'waiting') makeReady(state, node);
      return;
    case 'resolved':
      if (status === 'unknown') settleUnknown(turn, node, input.as);
      return;
  }
}

function start(turn: Turn): void {
  const { plan, state } = turn;
  plan.nodes.forEach((node, i) => {
    if (node.nodeType.kind === 'trigger') {
      const chosen = state.trigger === null || state.trigger.node === node.name;
      if (chosen && !node.disabled) succeed(turn, i, state.trigger?.outputs ?? {}, 0);
      else skip(turn, i);
    } else if (state.outstanding[i] === 0 && state.nodes[i] === 'pending') decide(turn, i);
  });
}

function finishSteps(turn: Turn, first: string, reports: readonly StepReport[]): void {
  const { plan, state } = turn;
  const head = plan.index.get(first);
  const flight = head === undefined ? undefined : state.flights.get(head);
  if (head === undefined || flight === undefined) return;
  state.flights.delete(head);
  for (const report of reports) {
    const node = plan.index.get(report.node);
    if (node === undefined || !flight.includes(node) || isSettled(state, node)) continue;
    if (report.ok) succeed(turn, node, report.outputs, report.ms);
    else fail(turn, node, report.error, report.ms);
  }
  if (state.nodes[head] === 'running') makeReady(state, head);
}

const isSettled = (state: RunState, node: number): boolean => {
  const status = state.nodes[node];
  return status === 'finished' || status === 'failed' || status === 'skipped';
};

function succeed(turn: Turn, node: number, outputs: JsonObject, ms: number): void {
  settle(turn, { node, status: 'finished', ms, outputs }, { ...outputs, done: true });
}

function fail(turn: Turn, node: number, error: ErrorReport, ms: number): void {
  const { plan, state } = turn;
  const attempt = (state.attempts[node] = (state.attempts[node] ?? 0) + 1);
  const spec = plan.nodes[node];
  const retryInMs = spec === undefined ? null : retryDelay(spec, state.run, attempt, error);
  if (retryInMs !== null) {
    state.nodes[node] = 'retrying';
    turn.facts.push({ node, status: 'failed', ms, error, retryInMs });
    turn.effects.push({ type: 'set-timer', node, ms: retryInMs });
    return;
  }
  const handled = plan.outgoing[node]?.some((edge) => plan.ports[edge]?.[0] === 'error') ?? false;
  settle(turn, { node, status: 'failed', ms, error }, { error: { ...error } });
  if (!handled) end(turn, 'failed', error);
}

const skip = (turn: Turn, node: number): void =>
  settle(turn, { node, status: 'skipped', ms: 0 }, null);

/** Settles a node and every node that dies with it; iterative, so that depth is no limit. */
function settle(turn: Turn, fact: Fact, outputs: JsonObject | null): void {
  const { plan, state } = turn;
  const queue: { readonly fact: Fact; readonly outputs: JsonObject | null }[] = [{ fact, outputs }];
  for (let item = queue.pop(); item !== undefined; item = queue.pop()) {
    const node = item.fact.node;
    if (isSettled(state, node)) continue;
    state.nodes[node] = item.fact.status;
    state.outputs[node] = item.outputs;
    state.open -= 1;
    turn.facts.push(item.fact);
    for (const edge of plan.outgoing[node] ?? []) {
      const target = plan.to[edge] ?? -1;
      const port = plan.ports[edge]?.[0] ?? '';
      const arrived = item.outputs !== null && Object.hasOwn(item.outputs, port);
      state.outstanding[target] = (state.outstanding[target] ?? 0) - 1;
      if (arrived) state.alive[target] = (state.alive[target] ?? 0) + 1;
      if (state.nodes[target] !== 'pending' || state.outstanding[target] !== 0) continue;
      if (mayRun(turn, target)) makeReady(state, target);
      else queue.push({ fact: { node: target, status: 'skipped', ms: 0 }, outputs: null });
    }
    release(turn, node);
  }
}

/** Forgets outputs that nobody can read any more. */
function release(turn: Turn, node: number): void {
  const { plan, state } = turn;
  for (const edge of plan.incoming[node] ?? []) {
    const source = plan.from[edge] ?? -1;
    if (plan.outgoing[source]?.length === 1 && plan.next[source] === node)
      state.outputs[source] = null;
  }
}

function mayRun(turn: Turn, node: number): boolean {
  const { plan, state } = turn;
  const spec = plan.nodes[node];
  if (spec === undefined || spec.disabled) return false;
  const edges = plan.incoming[node]?.length ?? 0;
  const alive = state.alive[node] ?? 0;
  return edges === 0 || (spec.nodeType.join === 'all' ? alive === edges : alive > 0);
}

function decide(turn: Turn, node: number): void {
  if (mayRun(turn, node)) makeReady(turn.state, node);
  else skip(turn, node);
}

function makeReady(state: RunState, node: number): void {
  state.nodes[node] = 'ready';
  state.ready.push(node);
}

/** Starts what is ready, as far as the workflow's limit allows, and ends a run with nothing left. */
function launch(turn: Turn): void {
  const { plan, state } = turn;
  if (state.status !== 'running') return;
  const limit = plan.document.settings?.maxParallelSteps ?? 64;
  let taken = 0;
  for (; taken < state.ready.length && state.flights.size < limit; taken += 1) {
    const first = state.ready[taken] ?? -1;
    if (state.nodes[first] !== 'ready') continue;
    const members = segmentFrom(plan, first);
    state.nodes[first] = 'running';
    state.flights.set(first, members);
    turn.effects.push({ type: 'run-segment', first, members });
  }
  if (taken > 0) state.ready = state.ready.slice(taken);
  if (state.open === 0) end(turn, 'succeeded', null);
}

function end(turn: Turn, status: Exclude<RunStatus, 'running'>, error: ErrorReport | null): void {
  const { state } = turn;
  if (state.status !== 'running') return;
  state.status = status;
  for (const first of state.flights.keys()) turn.effects.push({ type: 'cancel-segment', first });
  state.flights.clear();
  state.nodes.forEach((_, node) => {
    if (isSettled(state, node)) return;
    state.nodes[node] = 'skipped';
    turn.facts.push({ node, status: 'skipped', ms: 0 });
  });
  turn.effects.push({ type: 'finish', status, error });
}

/** Work in flight is lost: pure and idempotent steps and unstarted ones run again, external ones are unknown. */
function recover(turn: Turn): void {
  const { plan, state } = turn;
  state.flights.clear();
  state.nodes.forEach((status, node) => {
    if (status === 'waiting' || status === 'retrying') return makeReady(state, node);
    if (status !== 'running') return;
    const external = plan.nodes[node]?.nodeType.effect === 'external';
    if (!external || state.intended[node] === 0) return makeReady(state, node);
    state.nodes[node] = 'unknown';
    turn.facts.push({ node, status: 'unknown', ms: 0 });
    const policy = plan.document.settings?.onUnknown ?? 'ask';
    if (policy === 'skip') skip(turn, node);
    else if (policy !== 'ask') settleUnknown(turn, node, policy);
  });
}

function settleUnknown(turn: Turn, node: number, as: 'done' | 'retry' | 'fail'): void {
  const { state, plan } = turn;
  const name = plan.nodes[node]?.name ?? '';
  const data: Json = { node: name };
  state.intended[node] = 0;
  if (as === 'retry') makeReady(state, node);
  else if (as === 'done') succeed(turn, node, {}, 0);
  else
    fail(
      turn,
      node,
      {
        code: 'STEP_UNKNOWN',
        message: `It is not known whether ${name} was done`,
        data,
        retryable: false,
      },
      0,
    );
}
