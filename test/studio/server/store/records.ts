import type { RunRecord } from '@runtime-hub/kernel';
import { runId } from '@runtime-hub/plugin-sdk/contract';

/** A run of a workflow without nodes. */
export const recordOf = (id: string): RunRecord => ({
  id: runId(id),
  workspace: 'default',
  workflow: { format: 'runtime-hub/workflow@1', name: 'Empty', nodes: {}, edges: [] },
  trigger: null,
  createdAt: 1,
});

export const entryOf = (seq: number) => ({ seq, at: seq, input: { type: 'note', seq } });
