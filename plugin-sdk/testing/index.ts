export { fakeBroker } from './fake-broker.ts';
export type { FakeBroker } from './fake-broker.ts';
export { testNode } from './test-node.ts';
export type { NodeResult, NodeTrial } from './test-node.ts';
export type { FakeAnswer, FakeExit, FakeResponse, RecordedCall, World } from './world.ts';
