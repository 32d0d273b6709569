import type { Json } from '@runtime-hub/plugin-sdk/contract';
import type { AnyAttack } from '../arena/attack.ts';

/** Everything a Node process would reach for; `tried` gives the code of what it got instead of success. */
const BEFORE = String.raw`
  import { createRequire } from 'node:module';
  import fs from 'node:fs';
  const require = createRequire(import.meta.url);
  const tried = (what) => { try { return 'ALLOWED ' + String(what()).slice(0, 100); } catch (error) { return error.code ?? error.name; } };
  const searched = (pid, words) => {
    const parts = fs.readFileSync('/proc/' + pid + '/maps', 'utf8').split('\n').filter((line) => / rw-p /.test(line)).map((line) => line.split(' ')[0].split('-').map((it) => parseInt(it, 16)));
    const memory = fs.openSync('/proc/' + pid + '/mem', 'r');
    const read = ([from, to]) => { try { const bytes = Buffer.alloc(Math.min(to - from, 8 << 20)); fs.readSync(memory, bytes, 0, bytes.length, from); return bytes; } catch { return Buffer.alloc(0); } };
    return words.filter((word) => parts.some((part) => read(part).includes(word)));
  };
  const heard = (start) => new Promise((done) => start((error) => done(error?.code ?? 'ALLOWED')));
`;

/** Expressions evaluated in a jailed Node process by a plugin that knows what an insider knows. */
export const probes = (
  cases: readonly (readonly [name: string, expression: string, out: Json])[],
): readonly AnyAttack[] =>
  cases.map(([name, expression, out]) => ({
    name,
    runtime: 'process',
    before: BEFORE,
    code: `async ({ config, context }) => ({ out: ${expression} })`,
    expect: { out },
  }));

/** What Node's permission model answers. */
export const NO = 'ERR_ACCESS_DENIED';
