import { errorOf, type ErrorCode, type WorkflowDocument } from '@runtime-hub/plugin-sdk/contract';
import type { Arena } from '../arena/arena.ts';
import type { AnyAttack } from '../arena/attack.ts';
import { playAttacks } from '../arena/play.ts';

/** Runs a workflow whose node is given what `$cel` comes to; the value, or the refusal. */
async function evaluate(arena: Arena, $cel: string) {
  const workflow: WorkflowDocument = {
    format: 'runtime-hub/workflow@1',
    name: 'expression',
    nodes: {
      first: { type: 'calm/isolate:attack', config: { give: { secret: 'mine', list: [1, 2, 3] } } },
      second: { type: 'calm/isolate:attack', config: { give: { $cel } } },
    },
    edges: [['first.done', 'second.run']],
  };
  const { run, finished } = await arena.hub.engine.start(workflow);
  const { error } = await finished;
  if (error !== null) throw errorOf(error);
  return JSON.stringify(arena.hub.store.runs.get(run)?.entries.at(-1)?.input).slice(0, 200);
}

const escapes = (
  expect: ErrorCode | readonly ErrorCode[],
  cases: readonly (readonly [name: string, cel: string])[],
): readonly AnyAttack[] =>
  cases.map(([name, cel]) => ({
    name: `${name} leads nowhere in an expression`,
    act: async (arena) => await evaluate(arena, cel),
    expect,
  }));

/** What expressions in JavaScript fell to elsewhere (n8n: CVE-2025-68613, CVE-2026-1470, -25049, -27577). */
const javascript = escapes('WORKFLOW_INVALID', [
  ['a function that is called', '(function(){ return this.process })()'],
  ['an arrow function', '(() => 1)()'],
  ['a template text', '`${process.env}`'],
  ['an assignment', 'steps.first = 1'],
  ['a new object', 'new Date()'],
  ['two statements', '1; 2'],
  ['a `with` block', 'with(steps){ first }'],
  ['a spread', '[...steps.first.out.list]'],
  ['an optional chain to the constructor', 'steps?.constructor?.constructor'],
  ['a pattern', '/(a+)+$/.test("aaaa")'],
  ['an escaped identifier', '\\u0063onstructor'],
  ['a comment that hides the end', '1 /* "'],
]);

const walks = escapes(
  ['WORKFLOW_INVALID', 'STEP_EXPRESSION_FAILED'],
  [
    ['the constructor of a value', 'steps.first.out.constructor'],
    [
      'the constructor of a constructor',
      'steps.first.out.constructor.constructor("return process")()',
    ],
    ['the constructor by its name in brackets', 'steps.first.out["constructor"]'],
    ['the prototype', 'steps.first.out.__proto__'],
    ['the prototype by its name in brackets', 'steps.first.out["__proto__"]["polluted"]'],
    ['a name put together from parts', 'steps.first.out["const" + "ructor"]'],
    ['a method of every object', 'steps.first.out.toString()'],
    ['a method of every list', 'steps.first.out.list.constructor'],
    ['the definition of getters', 'steps.first.out.__defineGetter__("x", 1)'],
    ['the length of a list as a property', 'steps.first.out.list.length'],
    ['a list at a place that is a name', 'steps.first.out.list["push"]'],
    ['a list at a place below zero', 'steps.first.out.list[-1]'],
    ['the global object', 'globalThis'],
    ['the process', 'process.env.ARENA_SECRET'],
    ['the environment of n8n', '$env.ARENA_SECRET'],
    ['the modules', 'require("fs")'],
    ['this', 'this'],
    ['the node’s own functions', 'steps.constructor.constructor'],
    ['the inputs of another plugin', 'inputs.__proto__.x'],
    ['a step that is no step', 'steps["__proto__"]'],
  ],
);

const floods = escapes(
  ['WORKFLOW_INVALID', 'STEP_EXPRESSION_FAILED'],
  [
    [
      'loops in loops in loops',
      '[1,2,3,4,5,6,7,8,9,10].all(a, [1,2,3,4,5,6,7,8,9,10].all(b, [1,2,3,4,5,6,7,8,9,10].all(c, [1,2,3,4,5,6,7,8,9,10].all(d, [1,2,3,4,5,6,7,8,9,10].all(e, [1,2,3,4,5,6,7,8,9,10].all(f, [1,2,3,4,5,6,7,8,9,10].all(g, a + b + c + d + e + f + g > 0)))))))',
    ],
    ['brackets five hundred deep', `${'('.repeat(500)}1${')'.repeat(500)}`],
    ['an expression of a hundred thousand letters', `1${' + 1'.repeat(25_000)}`],
    ['a pattern that backtracks for ever', `"${'a'.repeat(60)}b".matches("^(a+)+$") || 1 / 0 > 0`],
    ['a number beyond all numbers', '9223372036854775807 + 1'],
    ['a division by nothing', '1 / 0'],
  ],
);

playAttacks([...javascript, ...walks, ...floods]);
