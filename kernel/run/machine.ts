import {
  HubError,
  reportOf,
  type ErrorReport,
  type JsonObject,
  type StepReport,
} from '@runtime-hub/plugin-sdk/contract';
import { segmentFrom, type Plan } from '../workflow/plan.ts';
import { retryDelay } from './retry.ts';
import type { Effect, EndStatus, Fact, Input, RunState } from './run-state.ts';

interface Turn {
  readonly plan: Plan;
  readonly state: RunState;
  readonly effects: Effect[];
  readonly facts: Fact[];
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
      return failSegment(turn, node, input.error);
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
    case 'permission.denied':
      if (status === 'waiting') fail(turn, node, input.error, 0);
      return;
    case 'resolved':
      if (status === 'unknown') settleUnknown(turn, node, input.as);
      return;
  }
}

/** Ends of a host in the middle of a step: how far it had come nobody knows. */
const LOST: ReadonlySet<string> = new Set([
  'HOST_CRASHED',
  'HOST_OUT_OF_MEMORY',
  'HOST_PROTOCOL_ERROR',
  'HOST_UNRESPONSIVE',
]);

const wasBegun = ({ plan, state }: Turn, node: number): boolean =>
  plan.nodes[node]?.nodeType.effect === 'external' && state.intended[node] === 1;

function failSegment(turn: Turn, first: number, error: ErrorReport): void {
  if (!turn.state.flights.delete(first)) return;
  if (LOST.has(error.code) && wasBegun(turn, first)) becomeUnknown(turn, first);
  else fail(turn, first, error, 0);
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
  state.intended[node] = 0;
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

function end(turn: Turn, status: EndStatus, error: ErrorReport | null): void {
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
  const { state } = turn;
  state.flights.clear();
  state.nodes.forEach((status, node) => {
    if (status === 'waiting' || status === 'retrying') return makeReady(state, node);
    if (status !== 'running') return;
    if (wasBegun(turn, node)) becomeUnknown(turn, node);
    else makeReady(state, node);
  });
}

/** What was begun may have been done: only the workflow's policy, or a person, may say what it was. */
function becomeUnknown(turn: Turn, node: number): void {
  const { plan, state } = turn;
  state.nodes[node] = 'unknown';
  turn.facts.push({ node, status: 'unknown', ms: 0 });
  const policy = plan.document.settings?.onUnknown ?? 'ask';
  if (policy === 'skip') skip(turn, node);
  else if (policy !== 'ask') settleUnknown(turn, node, policy);
}

function settleUnknown(turn: Turn, node: number, as: 'done' | 'retry' | 'fail'): void {
  const name = turn.plan.nodes[node]?.name ?? '';
  turn.state.intended[node] = 0;
  if (as === 'retry') return makeReady(turn.state, node);
  if (as === 'done') return succeed(turn, node, {}, 0);
  fail(turn, node, reportOf(new HubError('STEP_UNKNOWN', { node: name })), 0);
}
