import { list, RESTART, row } from './row.ts';
import type { Problem } from './row.ts';

/** Workflows, their runs and steps, and the hosts that run these. */
export const RUN_ERRORS = {
  WORKFLOW_INVALID: row<{ readonly problems: readonly Problem[] }>({
    status: 422,
    retryable: false,
    text: (d) => `The workflow is not valid: ${list(d.problems)}`,
    cure: 'Mend each named place and try again.',
  }),
  STEP_FAILED: row<{ readonly message: string }>({
    status: 502,
    retryable: true,
    text: (d) => d.message,
    cure: 'Read the message; connect the node’s “error” port to handle it in the workflow.',
  }),
  STEP_TIMED_OUT: row<{ readonly timeoutMs: number }>({
    status: 504,
    retryable: true,
    text: (d) => `The step took longer than ${String(d.timeoutMs)} ms`,
    cure: 'Raise timeoutMs on the node, or find out why it is slow.',
  }),
  STEP_CANCELLED: row<{ readonly reason: string }>({
    status: 409,
    retryable: false,
    text: (d) => `The step was cancelled: ${d.reason}`,
    cure: 'Start the run again if that was not meant.',
  }),
  STEP_INPUT_INVALID: row<{ readonly problems: readonly Problem[] }>({
    status: 422,
    retryable: false,
    text: (d) => `What arrived does not fit the node: ${list(d.problems)}`,
    cure: 'Compare the node’s schema with what the node before it gives.',
  }),
  STEP_OUTPUT_INVALID: row<{ readonly problems: readonly Problem[] }>({
    status: 502,
    retryable: false,
    text: (d) => `The node gave what it had not declared: ${list(d.problems)}`,
    cure: 'Report it to the plugin’s publisher.',
  }),
  STEP_EXPRESSION_FAILED: row<{
    readonly at: string;
    readonly expression: string;
    readonly message: string;
  }>({
    status: 422,
    retryable: false,
    text: (d) => `The expression at ${d.at} failed: ${d.message}`,
    cure: 'Mend the expression, or give it an “orElse” value.',
  }),
  STEP_UNKNOWN: row<{ readonly node: string }>({
    status: 409,
    retryable: false,
    text: (d) =>
      `The hub or the plugin stopped while ${d.node} was acting on the outside world; nobody knows whether it was done`,
    cure: 'Look at the outside world, then: hub runs resolve <run> <node> --as done|retry|fail',
  }),
  HOST_CRASHED: row<{ readonly plugin: string; readonly how: string }>({
    status: 503,
    retryable: true,
    text: (d) => `The host of ${d.plugin} died: ${d.how}`,
    cure: RESTART,
  }),
  HOST_OUT_OF_MEMORY: row<{ readonly plugin: string; readonly limitMb: number }>({
    status: 503,
    retryable: true,
    text: (d) => `${d.plugin} used more than its ${String(d.limitMb)} MB of memory`,
    cure: RESTART,
  }),
  HOST_UNRESPONSIVE: row<{ readonly plugin: string; readonly silentMs: number }>({
    status: 503,
    retryable: true,
    text: (d) => `${d.plugin} gave no sign of life for ${String(d.silentMs)} ms and was ended`,
    cure: RESTART,
  }),
  HOST_PROTOCOL_ERROR: row<{ readonly plugin: string; readonly detail: string }>({
    status: 503,
    retryable: true,
    text: (d) => `${d.plugin} broke the wire protocol and was ended: ${d.detail}`,
    cure: RESTART,
  }),
  HOST_LOAD_FAILED: row<{ readonly plugin: string; readonly message: string }>({
    status: 503,
    retryable: false,
    text: (d) => `${d.plugin} could not be loaded: ${d.message}`,
    cure: 'Report it to the plugin’s publisher.',
  }),
  HOST_OVERLOADED: row<{ readonly plugin: string; readonly limit: string }>({
    status: 503,
    retryable: true,
    text: (d) => `${d.plugin} went over its limit of ${d.limit}`,
    cure: RESTART,
  }),
  JAIL_UNAVAILABLE: row<{ readonly detail: string }>({
    status: 503,
    retryable: false,
    text: (d) => `The jail cannot start, so no plugin is run: ${d.detail}`,
    cure: 'Run hub doctor; on Debian: apt-get install bubblewrap',
  }),
  RUN_NOT_FOUND: row<{ readonly run: string }>({
    status: 404,
    retryable: false,
    text: (d) => `There is no run ${d.run}`,
    cure: 'See hub runs list.',
  }),
  RUN_CANCELLED: row<{ readonly reason: string }>({
    status: 409,
    retryable: false,
    text: (d) => `The run was cancelled: ${d.reason}`,
    cure: 'Start it again if that was not meant.',
  }),
  RUN_CONFLICT: row<{ readonly run: string; readonly detail: string }>({
    status: 409,
    retryable: false,
    text: (d) => `Run ${d.run}: ${d.detail}`,
    cure: 'See hub runs show <run>.',
  }),
  RUN_FENCED: row<{ readonly run: string; readonly epoch: number }>({
    status: 409,
    retryable: false,
    text: (d) => `Another hub took over run ${d.run} after epoch ${String(d.epoch)}`,
    cure: 'Nothing to do: the other hub goes on with it.',
  }),
} as const;
