import { readFileSync } from 'node:fs';

export type Role = 'author' | 'user' | 'registry';

/** One fenced block of the tutorial, in order. */
export type Scene =
  | {
      readonly kind: 'commands';
      readonly role: Role;
      /** `fails`: must · `background`: goes on · `stop`: one that goes on · `wait`: until one that goes on has ended. */
      readonly how: 'now' | 'fails' | 'background' | 'stop' | 'wait';
      readonly lines: readonly string[];
      /** What must be printed, line by line, in order; `…` is anything. */
      readonly expected: readonly string[];
    }
  | { readonly kind: 'file'; readonly role: Role; readonly name: string; readonly text: string };

const FENCE = /^```(.*)\n([\s\S]*?)^```$/gmu;
const HOW = ['fails', 'background', 'stop', 'wait'] as const;

/** Reads the blocks of a tutorial. Throws for one that it does not know: none is passed over in silence. */
export function readTutorial(file: string): readonly Scene[] {
  const text = readFileSync(file, 'utf8');
  const scenes: Scene[] = [];
  for (const match of text.matchAll(FENCE)) {
    const [, info = '', body = ''] = match;
    const last = scenes.at(-1);
    if (info === 'text' && last?.kind === 'commands' && last.expected.length === 0)
      scenes[scenes.length - 1] = { ...last, expected: linesOf(body) };
    else scenes.push(sceneOf(info, body));
  }
  return scenes;
}

function sceneOf(info: string, body: string): Scene {
  const [language, role, word] = info.split(' ');
  if (role !== 'author' && role !== 'user' && role !== 'registry')
    throw new Error(`Nobody plays the block “${info}”.`);
  if (language !== 'sh') return { kind: 'file', role, name: word ?? '', text: body };
  const how = HOW.find((it) => it === word) ?? 'now';
  return { kind: 'commands', role, how, lines: linesOf(body), expected: [] };
}

const linesOf = (body: string): readonly string[] => body.split('\n').filter((it) => it !== '');

/** The first expected line that the output does not have after the ones before it; null when all are there. */
export function missingLine(output: string, expected: readonly string[]): string | null {
  let rest = output.split('\n');
  for (const line of expected) {
    const pattern = new RegExp(
      `^${line
        .split('…')
        .map((it) => it.replaceAll(/[.*+?^${}()|[\]\\]/gu, '\\$&'))
        .join('.*')}$`,
      'u',
    );
    const at = rest.findIndex((it) => pattern.test(it));
    if (at < 0) return line;
    rest = rest.slice(at + 1);
  }
  return null;
}
