export { findBindings, pointerPart, resolveBindings, stepsRead } from './bindings.ts';
export { compileExpression } from './expression.ts';
