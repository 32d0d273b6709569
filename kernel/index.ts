export { createBus, type Bus } from './bus.ts';
export { createBroker, type Broker } from './capability/broker.ts';
export { prepareOperations } from './capability/operations.ts';
export { createHostPool, type HostPool } from './host/host-pool.ts';
export type * from './ports.ts';
export { createEngine, type Activation, type Engine } from './run/engine.ts';
export { parseWorkflow, validateWorkflow } from './workflow/validate-workflow.ts';
