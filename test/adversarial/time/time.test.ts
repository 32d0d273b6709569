import type { AnyAttack } from '../arena/attack.ts';
import { playAttacks } from '../arena/play.ts';

/** Ways to keep an isolate busy; the entry's own time limit ends each, and the host with it. */
const endless: readonly AnyAttack[] = (
  [
    ['a loop without end', '() => { for (;;); }'],
    [
      'a loop of microtasks',
      '() => { const f = () => Promise.resolve().then(f); f(); return new Promise(() => {}); }',
    ],
    ['an await loop', 'async () => { for (;;) await null; }'],
    [
      'an async generator that never ends',
      'async () => { for await (const _ of (async function* () { for (;;) yield; })()); }',
    ],
    ['a pattern that backtracks for ever', '() => ({ out: /(a+)+$/.test("a".repeat(64) + "b") })'],
    [
      'a pattern with nested choices',
      '() => ({ out: /^(([a-z])+.)+[A-Z]([a-z])+$/.test("a".repeat(64)) })',
    ],
    ['a getter of a thrown error', '() => { throw { get message() { for (;;); } }; }'],
    ['a code of a thrown error', '() => { throw { message: "x", get code() { for (;;); } }; }'],
    [
      'data of a thrown error',
      '() => { throw { message: "x", code: "STEP_FAILED", data: { toJSON() { for (;;); } } }; }',
    ],
    ['a conversion of a thrown error to text', '() => { throw { toString() { for (;;); } }; }'],
    ['a getter of the outputs', '() => ({ get out() { for (;;); } })'],
    ['a trap of outputs that are a Proxy', '() => new Proxy({}, { ownKeys() { for (;;); } })'],
    ['a toJSON', '() => ({ out: { toJSON() { for (;;); } } })'],
    ['a thenable', '() => ({ then() { for (;;); } })'],
    [
      'a thenable of thenables',
      '() => { const again = { then(done) { done(again); } }; return again; }',
    ],
    [
      'a text that logs itself',
      '({ context }) => { context.log.info({ toString() { for (;;); } }); }',
    ],
    [
      'arguments of a call that convert themselves',
      '({ context }) => context.call("log", "write", { toJSON() { for (;;); } })',
    ],
    [
      'a loop after an answer',
      '() => { Promise.resolve().then(() => { for (;;); }); return new Promise(() => {}); }',
    ],
    ['a loop once a sleep is over', 'async ({ context }) => { await context.sleep(1); for (;;); }'],
    [
      'a loop once a call is refused',
      'async ({ context }) => { await context.call("net.http", "request", null).catch(() => {}); for (;;); }',
    ],
    ['a sort whose order never ends', '() => { [3, 2, 1].sort(() => { for (;;); }); }'],
    ['a replacement that never ends', '() => { "aa".replace(/a/g, () => { for (;;); }); }'],
    ['a reviver that never ends', '() => { JSON.parse("[1]", () => { for (;;); }); }'],
  ] as const
).map(([name, code]) => ({
  name: `${name} is stopped by the time limit of its entry`,
  runtime: 'isolate',
  code,
  expect: 'STEP_TIMED_OUT',
}));

/** Natives of V8 that hear no request to stop until they are done: whatever ends them, the hub learns of it. */
const deaf: readonly AnyAttack[] = (
  [
    ['an array of four thousand million', '() => { Array.from({ length: 2 ** 32 - 1 }); }'],
    ['a power of big numbers', '() => { let n = 3n; for (;;) n = n ** 9n; }'],
    ['a shift of big numbers', '() => { let n = 1n; for (;;) n = (n << 20_000_000n) | 1n; }'],
    ['a text of 256 MB, replaced', '() => { "ab".repeat(2 ** 27).replace(/b/g, "cd"); for (;;); }'],
    [
      'a text of twenty million numbers, parsed',
      '() => { for (;;) JSON.parse("[" + "0,".repeat(2e7) + "0]"); }',
    ],
    [
      'a sort of ten million texts',
      '() => { for (;;) Array.from({ length: 1e7 }, (_, i) => String(i % 7)).sort(); }',
    ],
    ['a fill of a huge typed array', '() => { for (;;) new Uint8Array(2 ** 24).fill(1).sort(); }'],
  ] as const
).map(([name, code]) => ({
  name: `${name} costs its own host at most`,
  runtime: 'isolate',
  code,
  // Where the machine is busy its host may be ended for its silence first.
  expect: ['STEP_TIMED_OUT', 'HOST_OUT_OF_MEMORY', 'HOST_UNRESPONSIVE'],
}));

const loading: readonly AnyAttack[] = (
  [
    ['loops', 'for (;;);'],
    [
      'throws an error whose getters loop',
      'throw { get message() { for (;;); }, get stack() { for (;;); } };',
    ],
    ['waits for ever', 'await new Promise(() => {});'],
    ['loops in a microtask', 'Promise.resolve().then(() => { for (;;); });'],
    ['loops in a static block', 'class Loop { static { for (;;); } }'],
  ] as const
).map(([how, before]) => ({
  name: `a plugin.js that ${how} is a failed load`,
  runtime: 'isolate',
  before,
  code: '() => ({})',
  expect: 'HOST_LOAD_FAILED',
}));

const silent: readonly AnyAttack[] = [
  {
    name: 'a promise that never settles ends at the deadline',
    runtime: 'isolate',
    code: '() => new Promise(() => {})',
    timeoutMs: 200,
    expect: 'STEP_TIMED_OUT',
  },
  {
    name: 'a step that hears the abort and loops on is stopped',
    runtime: 'isolate',
    code: '({ context }) => new Promise(() => context.signal.addEventListener("abort", () => { for (;;); }))',
    timeoutMs: 200,
    expect: 'STEP_TIMED_OUT',
  },
  {
    name: 'an answer after the deadline counts for nothing',
    runtime: 'isolate',
    code: '({ context }) => new Promise((done) => context.signal.addEventListener("abort", () => done({ out: "late" })))',
    timeoutMs: 200,
    expect: 'STEP_TIMED_OUT',
  },
  {
    name: 'a sleep longer than the deadline ends with it',
    runtime: 'isolate',
    code: 'async ({ context }) => { await context.sleep(2 ** 31); return { out: 1 }; }',
    timeoutMs: 200,
    expect: 'STEP_TIMED_OUT',
  },
  {
    name: 'a description that never ends is a failed load',
    runtime: 'isolate',
    code: '() => ({}); Object.defineProperty(definition, "title", { get() { for (;;); } })',
    expect: 'HOST_LOAD_FAILED',
  },
];

/** A process has its own thread and may do with it what it likes, for as long as its deadline and the grace. */
const processes: readonly AnyAttack[] = (
  [
    ['a loop without end', '() => { for (;;); }', 'HOST_UNRESPONSIVE'],
    [
      'a loop of microtasks',
      '() => { const f = () => Promise.resolve().then(f); f(); return new Promise(() => {}); }',
      'HOST_UNRESPONSIVE',
    ],
    [
      'a loop of ticks',
      '() => { const f = () => process.nextTick(f); f(); return new Promise(() => {}); }',
      'HOST_UNRESPONSIVE',
    ],
    [
      'a wait on shared memory',
      '() => { Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0); }',
      'HOST_UNRESPONSIVE',
    ],
    [
      'machine code that loops',
      '() => { new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 7, 5, 1, 1, 97, 0, 0, 10, 9, 1, 7, 0, 3, 64, 12, 0, 11, 11]))).exports.a(); }',
      'HOST_UNRESPONSIVE',
    ],
    [
      'a read of a pipe nobody writes to',
      '() => { const fs = require("node:fs"); for (;;) { try { fs.readSync(3, Buffer.alloc(1)); } catch {} } }',
      'HOST_UNRESPONSIVE',
    ],
    [
      'a pattern that backtracks for ever',
      '() => ({ out: /(a+)+$/.test("a".repeat(64) + "b") })',
      'HOST_UNRESPONSIVE',
    ],
    ['a promise that never settles', '() => new Promise(() => {})', 'STEP_TIMED_OUT'],
    [
      'a step that hears no abort and no signal',
      '() => { for (const name of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(name, () => {}); return new Promise(() => {}); }',
      'STEP_TIMED_OUT',
    ],
    [
      'a timer that holds on after the abort',
      '({ context }) => new Promise(() => context.signal.addEventListener("abort", () => { for (;;); }))',
      ['STEP_TIMED_OUT', 'HOST_UNRESPONSIVE'],
    ],
    [
      'a timer of no time that never stops',
      '() => { const f = () => setImmediate(f); f(); return new Promise(() => {}); }',
      'STEP_TIMED_OUT',
    ],
  ] as const
).map(([name, code, expect]) => ({
  name: `in a process, ${name} is ended`,
  runtime: 'process',
  before:
    'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
  code,
  timeoutMs: 300,
  expect,
}));

playAttacks([
  ...endless,
  ...deaf,
  ...loading,
  ...silent,
  ...processes,
  {
    name: 'a plugin.js of a process that loops is a failed start',
    runtime: 'process',
    before: 'for (;;);',
    code: '() => ({})',
    expect: ['HOST_LOAD_FAILED', 'HOST_UNRESPONSIVE'],
  },
  {
    name: 'forty spinners at once cost the neighbours nothing',
    act: async (arena) => {
      const attack = {
        name: 'spin',
        runtime: 'isolate',
        code: '() => { for (;;); }',
        expect: 'STEP_TIMED_OUT',
      } as const;
      const plugins = await Promise.all(Array.from({ length: 40 }, () => arena.install(attack)));
      const runs = Promise.all(plugins.map(async (it) => (await arena.run(it)).code));
      for (let visit = 0; visit < 10; visit += 1) {
        const { failed } = await arena.neighbours();
        if (failed.length > 0) return [...failed];
      }
      const codes = await runs;
      await Promise.all(plugins.map(async (it) => await arena.end(it)));
      // The last words of a host that ends itself may come too late on a machine this busy.
      const late = ['STEP_TIMED_OUT', 'HOST_CRASHED', 'HOST_UNRESPONSIVE'];
      return codes.filter((it) => !late.includes(it ?? 'none'));
    },
    expect: { out: [] },
  },
]);
