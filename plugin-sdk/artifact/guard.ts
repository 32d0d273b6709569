import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';

/** Tells whether a value fits a schema, and after a refusal why it does not. */
export interface Guard<T> {
  (value: unknown): value is T;
  readonly problems: readonly ErrorObject[];
}

// That the schemas themselves are right is a test's business, not every start's.
const ajv = new Ajv2020({ strict: true, allErrors: true, validateSchema: false });

/** A guard that is compiled when it is first asked: what a start does not need does not slow it down. */
export function guardOf<T>(schema: object): Guard<T> {
  const compiled = () => ajv.compile<T>(schema);
  let check: ReturnType<typeof compiled> | null = null;
  const guard = (value: unknown): value is T => (check ??= compiled())(value);
  return Object.defineProperty(guard, 'problems', { get: () => check?.errors ?? [] }) as Guard<T>;
}
