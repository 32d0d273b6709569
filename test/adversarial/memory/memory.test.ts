import type { ErrorCode } from '@runtime-hub/plugin-sdk/contract';
import type { AnyAttack } from '../arena/attack.ts';
import { playAttacks } from '../arena/play.ts';

/** Near its limit the collector takes so long that the entry's time may be over first. */
/** V8’s last words, by which the hub knows why, may come too late on a busy machine. */
const GONE: readonly ErrorCode[] = ['HOST_OUT_OF_MEMORY', 'STEP_TIMED_OUT', 'HOST_CRASHED'];
/** An array buffer that finds no room is an error the plugin may even catch. */
const REFUSED = 'STEP_FAILED';

const isolates: readonly AnyAttack[] = (
  [
    ['an array that grows', 'const a = []; for (;;) a.push(new Array(1000).fill(1));'],
    ['a map that grows', 'const m = new Map(); for (let i = 0; ; i++) m.set(i, i);'],
    ['a set that grows', 'const s = new Set(); for (let i = 0; ; i++) s.add(i);'],
    ['symbols of every name', 'for (let i = 0; ; i++) Symbol.for("s" + i);'],
    ['an object with ever more properties', 'const o = {}; for (let i = 0; ; i++) o["p" + i] = i;'],
    ['globals of every name', 'for (let i = 0; ; i++) globalThis["g" + i] = i;'],
    [
      'closures over closures',
      'let f = () => 1; for (;;) { const g = f; f = () => g; globalThis["x" + Math.random()] = f; }',
    ],
    [
      'a text that doubles',
      'let s = "ab"; const kept = []; for (;;) { s += s; kept.push(s.replace(/b/g, "c")); if (s.length > 2 ** 24) s = "ab" + kept.length; }',
    ],
    [
      'array buffers, kept although some fail',
      'const kept = []; for (;;) try { kept.push(new Uint8Array(2 ** 20).fill(1)); } catch {}',
    ],
    [
      'a resizable array buffer that grows',
      'const kept = []; for (;;) { const b = new ArrayBuffer(1, { maxByteLength: 2 ** 28 }); try { b.resize(2 ** 27); new Uint8Array(b).fill(1); } catch {} kept.push(b); }',
    ],
    [
      'typed arrays of every kind',
      'const kept = []; for (;;) for (const T of [Float64Array, BigInt64Array, Uint8Array]) kept.push(new T(2 ** 17).fill(T === BigInt64Array ? 1n : 1));',
    ],
    [
      'brackets five million deep',
      'const kept = []; for (;;) { try { JSON.parse("[".repeat(5e6)); } catch {} kept.push("[".repeat(5e6).split("")); }',
    ],
    [
      'parsed arrays, kept',
      'const t = "[" + "0,".repeat(1e6) + "0]"; const kept = []; for (;;) kept.push(JSON.parse(t));',
    ],
    [
      'a pattern of a million letters',
      'const kept = []; for (let i = 0; ; i++) { const r = new RegExp("(" + "a?".repeat(2e5) + ")" + i); kept.push(r); r.test("a".repeat(100)); }',
    ],
    [
      'promises that wait for each other',
      'let p = Promise.resolve(); for (;;) p = Promise.all([p, p]);',
    ],
    [
      'async functions that never go on',
      'const kept = []; for (;;) kept.push((async () => { await new Promise(() => {}); })());',
    ],
    [
      'arguments by the ten million',
      'const a = new Array(1e7).fill(1); for (;;) try { Math.max(...a); } catch { a.push(...a.slice(0, 100000)); }',
    ],
    [
      'weak maps with live keys',
      'const kept = []; const w = new WeakMap(); for (;;) { const k = {}; kept.push(k); w.set(k, new Array(100)); }',
    ],
    [
      'big numbers, kept',
      'const kept = []; for (let i = 0n; ; i++) kept.push((1n << 100_000n) + i);',
    ],
    [
      'an iterator that never ends',
      'Array.from({ [Symbol.iterator]: () => ({ next: () => ({ done: false, value: {} }) }) });',
    ],
    [
      'errors whose causes are errors',
      'let e = new Error("x"); for (;;) e = new Error("y".repeat(1000), { cause: e });',
    ],
    ['a chain of proxies', 'let p = {}; for (;;) p = new Proxy(p, { get: () => p });'],
    [
      'frozen copies of copies',
      'let o = {}; for (;;) o = Object.freeze({ ...o, ["k" + Math.random()]: o });',
    ],
    [
      'texts sliced out of texts',
      'const kept = []; for (let i = 0; ; i++) kept.push(("x".repeat(2 ** 20) + i).slice(1).split("").join(i));',
    ],
    [
      'dates formatted in every locale',
      'const kept = []; for (;;) for (const l of ["ar", "zh", "de", "hi"]) kept.push(new Intl.DateTimeFormat(l), new Intl.NumberFormat(l), new Intl.Collator(l));',
    ],
  ] as const
).map(([name, code]) => ({
  name: `${name} costs its own host at most`,
  runtime: 'isolate',
  code: `() => { ${code} }`,
  expect: name.includes('array') ? [...GONE, REFUSED] : GONE,
}));

const processes: readonly AnyAttack[] = (
  [
    ['buffers, touched', 'const kept = []; for (;;) kept.push(Buffer.alloc(32 << 20, 1));'],
    [
      'one array buffer that grows',
      'const b = new ArrayBuffer(1, { maxByteLength: 2 ** 32 }); for (let size = 2 ** 24; ; size += 2 ** 24) { b.resize(size); new Uint8Array(b).fill(1, size - 2 ** 24); }',
    ],
    [
      'shared memory that grows',
      'const b = new SharedArrayBuffer(1, { maxByteLength: 2 ** 32 }); for (let size = 2 ** 24; ; size += 2 ** 24) { b.grow(size); new Uint8Array(b).fill(1, size - 2 ** 24); }',
    ],
    [
      'the memory of machine code',
      'const m = new WebAssembly.Memory({ initial: 1, maximum: 65536 }); for (;;) { const at = m.buffer.byteLength; m.grow(512); new Uint8Array(m.buffer).fill(1, at); }',
    ],
    [
      'the heap of its engine',
      'const kept = []; for (;;) kept.push(new Array(100_000).fill({}).map((_, i) => ({ i })));',
    ],
    [
      'texts outside the heap',
      'const kept = []; for (;;) kept.push(Buffer.alloc(16 << 20, 97).toString("latin1"));',
    ],
    [
      'a heap without its limit',
      'require("node:v8").setFlagsFromString("--max-old-space-size=16384"); const kept = []; for (;;) kept.push(new Array(100_000).fill({}).map((_, i) => ({ i })));',
    ],
  ] as const
).map(([name, code]) => ({
  name: `in a process, ${name} ends it at its limit`,
  runtime: 'process',
  before:
    'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
  code: `() => { ${code} }`,
  timeoutMs: 20_000,
  expect: 'HOST_OUT_OF_MEMORY',
}));

playAttacks([
  ...isolates,
  ...processes,
  {
    name: 'a plugin.js that takes all memory is never loaded',
    runtime: 'isolate',
    before: 'const kept = []; for (;;) kept.push(JSON.parse("[" + "0,".repeat(1e6) + "0]"));',
    code: '() => ({})',
    expect: ['HOST_LOAD_FAILED', 'HOST_OUT_OF_MEMORY'],
  },
  {
    name: 'ten megabytes of source are compiled at the cost of the plugin',
    runtime: 'isolate',
    before: `let source = 'let x = 0;'; while (source.length < 1e7) source += 'x += Math.sin(x);'; new Function(source)();`,
    code: '() => ({ out: 1 })',
    expect: ['HOST_LOAD_FAILED', 'HOST_OUT_OF_MEMORY', 'HOST_CRASHED'],
  },
  {
    name: 'an array buffer of a terabyte is an error',
    runtime: 'process',
    code: '() => ({ out: new ArrayBuffer(2 ** 40).byteLength })',
    expect: 'STEP_FAILED',
  },
  {
    name: 'an array buffer larger than the isolate is an error',
    runtime: 'isolate',
    code: '() => ({ out: new ArrayBuffer(2 ** 32).byteLength })',
    expect: 'STEP_FAILED',
  },
  {
    name: 'an output of more than a frame does not leave the isolate',
    runtime: 'isolate',
    code: '() => ({ out: "x".repeat(1_200_000) })',
    expect: 'STEP_FAILED',
  },
  {
    name: 'pixels by value do not leave a process',
    runtime: 'process',
    code: '() => ({ out: Buffer.alloc(8 << 20, 1).toString("base64") })',
    expect: ['STEP_FAILED', 'HOST_CRASHED'],
  },
]);
