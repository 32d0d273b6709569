import { expect } from 'vitest';
import type { ErrorReport, JsonObject, StepReport } from '@runtime-hub/plugin-sdk/contract';
import { advance } from '../../../kernel/run/machine.ts';
import {
  initialState,
  type Effect,
  type Input,
  type RunState,
} from '../../../kernel/run/run-state.ts';
import type { Plan } from '../../../kernel/workflow/plan.ts';
import { RUN, errorReport, notOk, ok } from './sketch.ts';

/** A run written down: `> input`, then its effects, then the state of every node. */
export interface Trace {
  feed(...inputs: readonly Input[]): Trace;
  /** Loses everything but the journal, rebuilds the state from it and says so. */
  crash(): Trace;
  toString(): string;
}

export function traceOf(plan: Plan, trigger: RunState['trigger'] = null): Trace {
  const lines: string[] = [];
  const journal: Input[] = [];
  let state = initialState(plan, RUN, trigger);
  const step = (input: Input): readonly Effect[] => {
    const turn = advance(plan, state, input);
    state = turn.state;
    return turn.effects;
  };
  const trace: Trace = {
    feed(...inputs) {
      for (const input of inputs) {
        const effects = step(input);
        journal.push(input);
        lines.push(`> ${inputLine(input)}`);
        lines.push(...effects.map((effect) => `  ${effectLine(plan, effect)}`));
        lines.push(`  ${stateLine(plan, state)}`);
      }
      return trace;
    },
    crash() {
      state = initialState(plan, RUN, trigger);
      for (const input of journal) step(input);
      lines.push(
        `= crash, ${String(journal.length)} inputs replayed`,
        `  ${stateLine(plan, state)}`,
      );
      return trace;
    },
    toString: () => `${lines.join('\n')}\n`,
  };
  return trace;
}

/** Compares a trace with the one that is kept in traces/. */
export const expectTrace = async (trace: Trace, name: string): Promise<void> =>
  await expect(trace.toString()).toMatchFileSnapshot(`traces/${name}.txt`);

function inputLine(input: Input): string {
  switch (input.type) {
    case 'steps.finished':
      return `steps.finished ${input.reports.map(reportText).join(', ')}`;
    case 'segment.failed':
    case 'permission.denied':
      return `${input.type} ${input.node} ${input.error.code}`;
    case 'resolved':
      return `resolved ${input.node} as ${input.as}`;
    case 'cancel.requested':
      return `cancel.requested ${input.reason}`;
    case 'run.started':
    case 'recovered':
      return input.type;
    default:
      return `${input.type} ${input.node}`;
  }
}

const reportText = (report: StepReport): string =>
  report.ok
    ? `${report.node} ${JSON.stringify(report.outputs)}`
    : `${report.node} ${report.error.code}`;

function effectLine(plan: Plan, effect: Effect): string {
  const name = (node: number): string => plan.nodes[node]?.name ?? '?';
  switch (effect.type) {
    case 'run-segment':
      return `run ${effect.members.map(name).join(' ')}`;
    case 'set-timer':
      return `wait ${name(effect.node)} ${String(effect.ms)}`;
    case 'cancel-segment':
      return `cancel ${name(effect.first)}`;
    case 'finish':
      return `finish ${effect.status}${effect.error === null ? '' : ` ${effect.error.code}`}`;
  }
}

const stateLine = (plan: Plan, state: RunState): string =>
  plan.nodes.map((node, i) => `${node.name}=${state.nodes[i] ?? '?'}`).join(' ');

// ---- inputs, in the words of a trace --------------------------------------------------------------------------

export const started: Input = { type: 'run.started' };
export const recovered: Input = { type: 'recovered' };

export const reports = (first: string, ...list: readonly StepReport[]): Input => ({
  type: 'steps.finished',
  first,
  reports: list,
});
export const done = (node: string, outputs: JsonObject = { out: 1 }): Input =>
  reports(node, ok(node, outputs));
export const failed = (node: string, error: ErrorReport): Input =>
  reports(node, notOk(node, error));
export const lost = (node: string, error: ErrorReport): Input => ({
  type: 'segment.failed',
  node,
  error,
});
export const intended = (node: string): Input => ({ type: 'step.intended', node });
export const fired = (node: string): Input => ({ type: 'timer.fired', node });
export const resolved = (node: string, as: 'done' | 'retry' | 'fail'): Input => ({
  type: 'resolved',
  node,
  as,
});
export const cancelled: Input = { type: 'cancel.requested', reason: 'enough' };

export const broken = errorReport('STEP_FAILED', { message: 'broken' });
export const timedOut = errorReport('STEP_TIMED_OUT', { timeoutMs: 1000 });
export const wrongInput = errorReport('STEP_INPUT_INVALID', { problems: [] });
export const crashed = errorReport('HOST_CRASHED', { plugin: 'test/steps', how: 'signal 9' });
export const denied = errorReport('CAPABILITY_DENIED', {
  plugin: 'test/steps',
  need: 'screen.capture',
});
