import { createRequire } from 'node:module';
import type * as Library from '@bufbuild/cel';

export type { CelInput } from '@bufbuild/cel';

export interface Cel {
  readonly library: typeof Library;
  readonly environment: ReturnType<typeof Library.celEnv>;
}

let loaded: Cel | null = null;

/** CEL, loaded with the first expression: a fifth of the hub's memory at start would go into it. */
export function cel(): Cel {
  if (loaded !== null) return loaded;
  // SAFETY: the package's CommonJS entry has the same exports as the one its types describe.
  const library = createRequire(import.meta.url)('@bufbuild/cel') as typeof Library;
  loaded = { library, environment: library.celEnv({ funcs: mixedArithmetic(library) }) };
  return loaded;
}

/** JSON knows only one kind of number, so `inputs.n + 1` must work; CEL itself refuses double with int. */
function mixedArithmetic({ celFunc, CelScalar: { DOUBLE, INT } }: typeof Library) {
  const operators: Readonly<Record<string, (a: number, b: number) => number>> = {
    '_+_': (a, b) => a + b,
    '_-_': (a, b) => a - b,
    '_*_': (a, b) => a * b,
    '_/_': (a, b) => a / b,
    '_%_': (a, b) => a % b,
  };
  return Object.entries(operators).flatMap(([name, apply]) => [
    celFunc(name, [DOUBLE, INT], DOUBLE, (a, b) => apply(a, Number(b))),
    celFunc(name, [INT, DOUBLE], DOUBLE, (a, b) => apply(Number(a), b)),
    ...(name === '_%_' ? [celFunc(name, [DOUBLE, DOUBLE], DOUBLE, apply)] : []),
  ]);
}
