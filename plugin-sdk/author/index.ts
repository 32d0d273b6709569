export type { ServeContext, StepContext, TriggerContext } from './context.ts';
export { defineNode, definePlugin, defineTrigger } from './define.ts';
export type { ActionNode, AnyNode, Operation, PluginDefinition, TriggerNode } from './define.ts';
export { manifestOf } from './manifest-of.ts';
export { HubError, codeOf, unfit } from '../contract/index.ts';
