import type { Hit, Pack, Rule } from './rule.ts';
import { matches } from './text.ts';

const QUOTES = ['"""', "'''", '"', "'"] as const;

/** Python with texts and comments blanked, so that only code is looked at; lines stay where they are. In linear time. */
export function pythonCode(text: string): string {
  const parts: string[] = [];
  let at = 0;
  for (;;) {
    const begin = nextText(text, at);
    parts.push(text.slice(at, begin));
    if (begin === text.length) return parts.join('');
    at = text[begin] === '#' ? endOfLine(text, begin) : endOfText(text, begin);
    parts.push(text.slice(begin, at).replaceAll(/[^\n]/gu, ' '));
  }
}

/** Where the next text or comment begins, else the end. */
function nextText(text: string, from: number): number {
  const begin = /["'#]/gu;
  begin.lastIndex = from;
  return begin.exec(text)?.index ?? text.length;
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end < 0 ? text.length : end;
}

/** Past the quote that ends the text which begins here; one of a single line ends with its line at the latest. */
function endOfText(text: string, begin: number): number {
  const quote = QUOTES.find((it) => text.startsWith(it, begin)) ?? '"';
  for (let at = begin + quote.length; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1;
    else if (text.startsWith(quote, at)) return at + quote.length;
    else if (quote.length === 1 && text[at] === '\n') return at;
  }
  return text.length;
}

function* each({ python }: Pack, pattern: RegExp, say: (text: string) => string): Generator<Hit> {
  for (const [file, code] of python)
    for (const { line, match } of matches(code, pattern))
      yield { file, line, message: say(match[1] ?? match[0]) };
}

/** The same for plugin.py as for plugin.js, by reading its text. */
export const PYTHON_RULES: readonly Rule[] = [
  {
    id: 'python-eval',
    severity: 'review',
    doc: 'Code made at run time is code that nobody signed or read.',
    cure: 'Write the code down; for expressions of users, use a parser.',
    find: (pack) =>
      each(
        pack,
        /(?<![\w.])(eval|exec|compile|__import__)\s*\(|\b(?:marshal|pickle)\.loads?\s*\(/gu,
        (it) => `runs ${it}`,
      ),
  },
  {
    id: 'python-power',
    severity: 'review',
    doc: 'Modules for processes, networks and memory go past the broker; the jail stops them, so nobody needs them.',
    cure: 'Use context.call with net.http or process.run, and ask for the permission.',
    find: (pack) =>
      each(
        pack,
        /^[ \t]*(?:import|from)[ \t]+(socket|subprocess|ctypes|multiprocessing|urllib\.request|http\.client|http\.server|ftplib|smtplib|pty|importlib|runpy)\b/gmu,
        (it) => `imports ${it}`,
      ),
  },
];
