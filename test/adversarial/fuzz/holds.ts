import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';

const CORPUS = path.resolve(import.meta.dirname, '../corpus');

/**
 * A property holds for all that was ever found to break it (corpus/<name>.json, a list of argument lists) and then for
 * what chance finds. A new counterexample is printed as the line to add there.
 */
export function holds<Args extends [unknown, ...unknown[]]>(
  name: string,
  arbitraries: { readonly [K in keyof Args]: fc.Arbitrary<Args[K]> },
  check: (...args: Args) => void,
): void {
  // SAFETY: a corpus holds what this property was once called with, as JSON.
  const examples = corpusOf(name) as Args[];
  // SAFETY: mapping a tuple of arbitraries keeps its members; TypeScript sees an array.
  const property = fc.property(...(arbitraries as unknown as [fc.Arbitrary<Args[0]>]), (...args) =>
    check(...(args as unknown as Args)),
  );
  const details = fc.check(property, {
    examples: examples as unknown as [Args[0]][],
    numRuns: 500,
  });
  if (!details.failed) return;
  const { counterexample, errorInstance } = details;
  throw new Error(`${name} fails; keep in the corpus: ${JSON.stringify(counterexample)}`, {
    cause: errorInstance,
  });
}

/** Past counterexamples, the newest last. */
export function corpusOf(name: string): readonly unknown[] {
  const file = path.join(CORPUS, `${name}.json`);
  if (!existsSync(file)) return [];
  // SAFETY: written by hand from what `holds` printed; a wrong shape fails the property.
  return JSON.parse(readFileSync(file, 'utf8')) as unknown[];
}
