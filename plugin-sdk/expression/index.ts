export { findBindings, pointerPart, resolveBindings } from './bindings.ts';
export { compileExpression } from './expression.ts';
export { createLanguage, type Budget } from './language.ts';
export { stepsRead } from './steps-read.ts';
