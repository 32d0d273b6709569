import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';

/** Tells whether a value fits a schema, and after a refusal why it does not. */
export interface Guard<T> {
  (value: unknown): value is T;
  readonly problems: readonly ErrorObject[];
}

/**
 * A guard that is compiled when it is first asked: what a start does not need does not slow it down. It stops at the
 * first problem unless all are wanted; then whoever asks bounds the lists first, as each item may be many problems.
 */
export function guardOf<T>(schema: object, { allProblems = false } = {}): Guard<T> {
  // That the schemas themselves are right is a test's business, not every start's.
  const options = { strict: true, allErrors: allProblems, validateSchema: false };
  const compiled = () => new Ajv2020(options).compile<T>(schema);
  let check: ReturnType<typeof compiled> | null = null;
  const guard = (value: unknown): value is T => (check ??= compiled())(value);
  return Object.defineProperty(guard, 'problems', { get: () => check?.errors ?? [] }) as Guard<T>;
}
