import { createRequire } from 'node:module';
import type * as Acorn from 'acorn';
import type { Program } from 'acorn';
import type { CapabilityName } from '../contract/index.ts';
import { collect, type Draft } from './collect.ts';

/** Loaded when the first file is read: a hub only verifies. */
const require = createRequire(import.meta.url);
// SAFETY: the types of the very package.
const acorn = (): typeof Acorn => require('acorn') as typeof Acorn;

/** Tokens of a pack beyond which its code is not parsed: each costs some microseconds, and a `;` is one. */
const MAX_TOKENS = 1_000_000;

/** One JavaScript file, and what it does as far as reading tells. */
export interface Code {
  readonly file: string;
  readonly text: string;
  /** Why nothing is known of it; null when it was read. */
  readonly unread: { readonly line: number | null; readonly why: string } | null;
  /** Names of the world outside that it reads and nothing in it declares; each where it is first. */
  readonly globals: readonly Found[];
  readonly imports: readonly Found[];
  /** Texts of 512 characters and more. */
  readonly longTexts: readonly Found[];
  /** `eval`, `new Function`, timers given text. */
  readonly evals: readonly Found[];
  /** `import()` and `require()` of what is computed. */
  readonly computedImports: readonly Found[];
  readonly uses: readonly Use[];
  /** Calls of `context.call` whose capability is computed. */
  readonly computedUses: readonly Found[];
}

/** A name or text at a line. */
export interface Found {
  readonly line: number;
  readonly text: string;
}

/** A use of a capability that is written down, and the effect that the node declares around it does. */
export interface Use {
  readonly line: number;
  readonly capability: CapabilityName;
  readonly operation: string | null;
  /** `method` of a request, when it is written down within the call. */
  readonly method: string | null;
  readonly effect: string | null;
}

/** Reads the scripts of a pack, path → text. Never throws: what can't be read says so in `unread`. */
export function readScripts(scripts: ReadonlyMap<string, string>): readonly Code[] {
  const budget = { tokens: MAX_TOKENS };
  return [...scripts].map(([file, text]) => readCode(file, text, budget));
}

interface Budget {
  tokens: number;
}

class BudgetSpent extends Error {}

function readCode(file: string, text: string, budget: Budget): Code {
  const code: Draft = {
    file,
    text,
    unread: null,
    globals: [],
    imports: [],
    longTexts: [],
    evals: [],
    computedImports: [],
    uses: [],
    computedUses: [],
    lineAt: lineFinder(text),
  };
  try {
    collect(programOf(text, budget), code);
    return code;
  } catch (error) {
    return { ...code, unread: { line: lineOfError(error), why: reasonOf(error) } };
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof SyntaxError) return error.message.slice(0, 120);
  if (error instanceof BudgetSpent) return `the pack has over ${String(MAX_TOKENS)} tokens of code`;
  // The stack, which nested code has used up.
  return 'it is nested too deep';
}

function programOf(text: string, budget: Budget): Program {
  const onToken = (): void => {
    budget.tokens -= 1;
    if (budget.tokens < 0) throw new BudgetSpent();
  };
  const options = { ecmaVersion: 'latest', allowHashBang: true, onToken } as const;
  try {
    return acorn().parse(text, { ...options, sourceType: 'module' });
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    try {
      return acorn().parse(text, {
        ...options,
        sourceType: 'script',
        allowReturnOutsideFunction: true,
      });
    } catch (again) {
      throw again instanceof SyntaxError ? error : again;
    }
  }
}

function lineOfError(error: unknown): number | null {
  // SAFETY: acorn's syntax errors carry `loc`; anything else gives null.
  const { loc } = (error ?? {}) as { readonly loc?: { readonly line?: number } };
  return loc?.line ?? null;
}

/** Finds the line of an offset; offsets may come in any order. */
function lineFinder(text: string): (offset: number) => number {
  const starts: number[] = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return (offset) => {
    let [low, high] = [0, starts.length];
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return low + 1;
  };
}

/** The author's file that a line of a bundle came from; esbuild writes its path above it. Null when nothing says. */
export function moduleAt({ text }: Pick<Code, 'text'>, line: number): string | null {
  const before = text.split('\n', line).reverse();
  const path = before.find((it) => /^\/\/ [\w@./-]+\.[cm]?[jt]sx?$/u.test(it));
  return path === undefined ? null : path.slice(3);
}
