import { createRequire } from 'node:module';
import { MAX_JSON_DEPTH, type JsonObject } from '../contract/index.ts';
import { createLanguage, type CelLibrary, type Language } from './language.ts';

/** What an expression of a workflow can see. */
export interface Scope {
  readonly inputs: JsonObject;
  readonly steps: JsonObject;
  readonly trigger: JsonObject;
  readonly run: JsonObject;
}

let loaded: Language<keyof Scope> | null = null;

/** The language of workflows, loaded with the first expression: a fifth of the hub's memory at start would go into it. */
export function cel(): Language<keyof Scope> {
  if (loaded !== null) return loaded;
  // SAFETY: the package's CommonJS entry has the same exports as the one its types describe.
  const library = createRequire(import.meta.url)('@bufbuild/cel') as CelLibrary;
  const variables = ['inputs', 'steps', 'trigger', 'run'] as const;
  loaded = createLanguage({ library, variables, maxDepth: MAX_JSON_DEPTH });
  return loaded;
}
