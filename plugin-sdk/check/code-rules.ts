import { isBuiltin } from 'node:module';
import { moduleAt, type Code, type Found } from './code.ts';
import type { Hit, Pack, Rule } from './rule.ts';
import { entropyOf, shown } from './text.ts';

const LONG_LINE = 4000;
const BLOB_CHARS = 1024;
/** Base64 of packed bytes has nearly 6 bits a character, prose and code below 5. */
const BLOB_BITS = 5.3;

/** Node's modules that reach past what a jail and the broker give. */
const POWERS =
  /^(?:node:)?(?:child_process|cluster|dgram|dns|http|http2|https|inspector|net|repl|tls|vm|wasi|worker_threads)(?:\/|$)/u;

const isIsolate = ({ manifest }: Pack): boolean => manifest.runtime === 'isolate';

/** Where in a bundle, with the author's own file when it is known. */
function hit(code: Code, { line }: Pick<Found, 'line'>, message: string): Hit {
  const module = moduleAt(code, line);
  const from = module === null || module === code.file ? '' : ` (from ${shown(module, 120)})`;
  return { file: code.file, line, message: `${message}${from}` };
}

function* each(
  { code }: Pack,
  list: (code: Code) => readonly Found[],
  say: (text: string) => string | null,
): Generator<Hit> {
  for (const one of code) {
    for (const found of list(one)) {
      const message = say(found.text);
      if (message !== null) yield hit(one, found, message);
    }
  }
}

/** Signs of code made hard to read, which a person can't review and so can't approve. */
function obfuscation(code: Code): string | null {
  const names = code.text.match(/\b_0x[0-9a-f]{4,}\b/gu)?.length ?? 0;
  if (names > 20) return 'its names are _0x… as an obfuscator makes them';
  const escapes = code.text.match(/\\(?:x[0-9a-f]{2}|u00[0-9a-f]{2})/giu)?.length ?? 0;
  if (escapes > 200 && escapes * 4 > code.text.length / 5) return 'most of its text is escaped';
  const lines = code.text.split('\n');
  const inLong = lines.filter((it) => it.length > 500).reduce((sum, it) => sum + it.length, 0);
  if (code.text.length > 2000 && inLong * 2 > code.text.length)
    return 'it is minified, and its source is not in the pack';
  return null;
}

export const CODE_RULES: readonly Rule[] = [
  {
    id: 'code-unreadable',
    severity: 'error',
    doc: 'Code that can’t be parsed can’t be checked.',
    cure: 'Mend the syntax, nest less deep, or split the file.',
    *find({ code }) {
      for (const { file, unread } of code) {
        if (unread === null) continue;
        const at = unread.line === null ? { file } : { file, line: unread.line };
        yield { ...at, message: `can’t be read: ${unread.why}` };
      }
    },
  },
  {
    id: 'code-eval',
    severity: 'review',
    doc: 'Code made at run time is code that nobody signed or read.',
    cure: 'Write the code down; for expressions of users, use a parser. Or explain it in the README for the reviewer.',
    find: (pack) =>
      each(
        pack,
        (it) => it.evals,
        (text) => `runs ${text}`,
      ),
  },
  {
    id: 'code-computed-import',
    severity: 'review',
    doc: 'A module whose name is computed can be any module.',
    cure: 'Name the module in a plain import.',
    find: (pack) =>
      each(
        pack,
        (it) => it.computedImports,
        (text) => `loads by ${text}`,
      ),
  },
  {
    id: 'code-import-missing',
    severity: 'error',
    doc: 'What is imported must be in the pack: nothing is installed where it runs.',
    cure: 'Pack with hub-plugin pack, which bundles what is imported; in an isolate leave node: modules out, or use runtime: process.',
    find(pack) {
      const names = new Set([...pack.files.keys()].map(nameOf));
      return each(
        pack,
        (it) => it.imports,
        (text) => {
          if (/^\.{0,2}\//u.test(text)) return strangeFile(names, text);
          if (!isBuiltin(text)) return `imports ${shown(text)}, which is not in the pack`;
          return isIsolate(pack) ? `imports ${shown(text)}, which no isolate has` : null;
        },
      );
    },
  },
  {
    id: 'code-power',
    severity: 'review',
    doc: 'Node’s modules for processes and networks go past the broker; the jail stops them, so nobody needs them.',
    cure: 'Use context.call with net.http or process.run, and ask for the permission.',
    find: (pack) =>
      each(
        pack,
        (it) => it.imports,
        (text) => (!isIsolate(pack) && POWERS.test(text) ? `imports ${shown(text)}` : null),
      ),
  },
  {
    id: 'code-global',
    severity: 'review',
    doc: 'What browsers or Node give globally is not there, or goes past the broker.',
    cure: 'Use context.call, e.g. net.http in place of fetch; settings of the machine belong in config.',
    find: (pack) =>
      each(
        pack,
        (it) => it.globals,
        (text) => {
          const isNodes = ['process', 'require', 'WebAssembly'].includes(text);
          return isNodes && !isIsolate(pack) ? null : `uses ${text}`;
        },
      ),
  },
  {
    id: 'code-obfuscated',
    severity: 'review',
    doc: 'Code that people can’t read can’t be reviewed.',
    cure: 'Publish readable code: hub-plugin pack does not minify.',
    *find({ code }) {
      for (const one of code) {
        const why = obfuscation(one);
        if (why !== null) yield { file: one.file, message: why };
      }
    },
  },
  {
    id: 'code-long-line',
    severity: 'advice',
    doc: 'A very long line hides what is at its end from a reader.',
    cure: 'Keep data in a file of the pack, and code unminified.',
    *find({ code }) {
      for (const one of code) {
        for (const [index, { length }] of one.text.split('\n').entries()) {
          if (length <= LONG_LINE) continue;
          yield hit(one, { line: index + 1 }, `has ${String(length)} characters in one line`);
        }
      }
    },
  },
  {
    id: 'code-blob',
    severity: 'review',
    doc: 'A long text that looks like packed bytes may be code in disguise.',
    cure: 'Put data into a file of the pack where it can be looked at, or explain it in the README for the reviewer.',
    *find({ code }) {
      for (const one of code) {
        for (const found of one.longTexts) {
          if (!isBlob(found.text)) continue;
          yield hit(one, found, `holds ${String(found.text.length)} characters of packed data`);
        }
      }
    },
  },
];

/** A module of the pack must be a file in it whose name says that it is code: only those are looked into. */
function strangeFile(names: ReadonlySet<string>, path: string): string | null {
  const name = nameOf(path);
  if (names.has(name) && /\.(?:[cm]?js|json)$/u.test(name)) return null;
  return `imports ${shown(path)}, which is no code of the pack`;
}

const nameOf = (path: string): string => path.split('/').at(-1) ?? '';

function isBlob(text: string): boolean {
  if (text.length < BLOB_CHARS) return false;
  const isHex = /^[0-9a-f\s]+$/iu.test(text);
  const isBase64 = /^[\w+/=\s-]+$/u.test(text) && entropyOf(text) > BLOB_BITS;
  return isHex || isBase64;
}
