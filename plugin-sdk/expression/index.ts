export { findBindings, resolveBindings, stepsRead } from './bindings.ts';
export { compileExpression } from './expression.ts';
