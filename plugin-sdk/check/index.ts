import type { Finding, Manifest } from '../contract/index.ts';
import { readScripts } from './code.ts';
import { CODE_RULES } from './code-rules.ts';
import { FILE_RULES } from './file-rules.ts';
import { FORMER_RULES } from './former-rules.ts';
import { MANIFEST_RULES } from './manifest-rules.ts';
import { NODE_RULES } from './node-rules.ts';
import { PAGE_RULES } from './page-rules.ts';
import { PERMISSION_RULES } from './permission-rules.ts';
import { PYTHON_RULES, pythonCode } from './python-rules.ts';
import type { Pack, Rule, Surroundings } from './rule.ts';
import { shown } from './text.ts';

export { formerOf } from './former-rules.ts';
export type { Rule, Surroundings } from './rule.ts';

/** Findings of one rule that are told; one more says that there are others. */
const MOST_PER_RULE = 20;

/** What is read of a pack: at most a few seconds of work, whatever is in it. */
const MAX_TEXT_BYTES = 16 * 1024 * 1024;
const MAX_CODE_BYTES = 8 * 1024 * 1024;
const IS_SCRIPT = /\.[cm]?js$/iu;
const IS_PYTHON = /\.py$/iu;

/** Every rule, in the order in which findings are told. */
export const RULES: readonly Rule[] = [
  ...FILE_RULES,
  ...CODE_RULES,
  ...PYTHON_RULES,
  ...PERMISSION_RULES,
  ...MANIFEST_RULES,
  ...NODE_RULES,
  ...FORMER_RULES,
  ...PAGE_RULES,
];

/**
 * Applies every rule to an artifact whose manifest has been parsed: the same for `hub-plugin check` and for a registry's
 * scan. Reads only what it is given; does nothing, runs nothing, and does not throw, whatever the artifact holds.
 */
export function checkArtifact(
  artifact: { readonly files: ReadonlyMap<string, Uint8Array> },
  manifest: Manifest,
  surroundings: Surroundings = {},
): readonly Finding[] {
  const { texts, unscanned } = textsOf(artifact.files);
  const those = (kind: RegExp): ReadonlyMap<string, string> =>
    new Map([...texts].filter(([file]) => kind.test(file)));
  const code = readScripts(those(IS_SCRIPT));
  const python = new Map([...those(IS_PYTHON)].map(([file, text]) => [file, pythonCode(text)]));
  const pack: Pack = {
    manifest,
    files: artifact.files,
    texts,
    code,
    python,
    unscanned,
    surroundings,
  };
  return RULES.flatMap((rule) => findingsOf(rule, pack));
}

/** Stops at the first that is not told: finding all of a flood would take long. */
function findingsOf(rule: Rule, pack: Pack): readonly Finding[] {
  const { id, severity, cure } = rule;
  const told: Finding[] = [];
  for (const { file, line = null, message } of rule.find(pack)) {
    const isLast = told.length === MOST_PER_RULE;
    const said = isLast ? 'and more like these' : shown(message, 900);
    const at = isLast ? { file: null, line: null } : { file, line };
    told.push({ rule: id, severity, ...at, message: said, cure });
    if (isLast) break;
  }
  return told;
}

/** The files that are text. Code that is none, or a file over what is left of the budget, is not looked into, which is told. */
function textsOf(files: ReadonlyMap<string, Uint8Array>): Pick<Pack, 'texts' | 'unscanned'> {
  const texts = new Map<string, string>();
  const unscanned: string[] = [];
  const left = { text: MAX_TEXT_BYTES, code: MAX_CODE_BYTES };
  for (const [file, bytes] of files) {
    const isCode = IS_SCRIPT.test(file) || IS_PYTHON.test(file);
    const text = textOf(bytes);
    if (text === null && !isCode) continue;
    left.text -= bytes.length;
    if (isCode) left.code -= bytes.length;
    if (text === null || left.text < 0 || left.code < 0) unscanned.push(file);
    else texts.set(file, text);
  }
  return { texts, unscanned };
}

/** Null for bytes that are no text: a NUL is in none. */
function textOf(bytes: Uint8Array): string | null {
  if (bytes.includes(0)) return null;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}
