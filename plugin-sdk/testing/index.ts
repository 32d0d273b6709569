export { testNode } from './test-node.ts';
export type { FakeAnswer, NodeResult, NodeTrial, RecordedCall } from './test-node.ts';
