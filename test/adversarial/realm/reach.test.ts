import type { AnyAttack } from '../arena/attack.ts';
import { playAttacks } from '../arena/play.ts';

/** Attacks that evaluate an expression in an isolate and show what they got hold of. */
const reaching = (
  cases: readonly (readonly [
    name: string,
    code: string,
    out: string | number | readonly string[],
  ])[],
): readonly AnyAttack[] =>
  cases.map(([name, code, out]) => ({ name, runtime: 'isolate', code, expect: { out } }));

const NOWHERE = 'undefined undefined undefined';
const AMBIENT = '[typeof process, typeof require, typeof globalThis.fetch].join(" ")';

/** Text compiled while plugin.js loads, where that is possible: it must find itself nowhere. */
const compilers: readonly AnyAttack[] = (
  [
    ['the constructor of a constructor', `({}).constructor.constructor('return ' + names)()`],
    ['an async function', `(async () => {}).constructor('return ' + names)()`],
    ['a generator', `(function* () {}).constructor('yield ' + names)().next().value`],
    [
      'an async generator',
      `(async function* () {}).constructor('yield ' + names)().next().then((it) => it.value)`,
    ],
    ['an indirect eval', '(0, eval)(names)'],
    [
      'escaped names behind an HTML comment',
      String.raw`new Function('<!-- x\n return ' + names.replaceAll('process', 'pr\\u006fcess').replaceAll('fetch', 'f\\u0065tch'))()`,
    ],
    ['a sloppy function using `with`', `new Function('with (this) { return ' + names + ' }')()`],
  ] as const
).map(([how, compile]) => ({
  name: `text compiled by ${how} finds no process, no require and no network`,
  runtime: 'isolate',
  before: `const names = ${JSON.stringify(AMBIENT)}; let seen; Promise.resolve(${compile}).then((it) => (seen = it));`,
  code: '() => ({ out: seen })',
  expect: { out: NOWHERE },
}));

const contexts = reaching([
  [
    'no function of the context leads to a compiler',
    `({ context }) => ({ out: [context.call, context.sleep, context.log.info, context.state.get, context.state.set, context.blobs.read]
      .filter((it) => typeof it.constructor === 'function').map(String) })`,
    [],
  ],
  [
    'no object of the context leads to a compiler',
    `({ context }) => ({ out: [context, context.log, context.state, context.blobs, context.signal]
      .filter((it) => typeof it?.constructor?.constructor === 'function').map(String) })`,
    [],
  ],
  [
    'the promise of a call leads to no compiler',
    `async ({ context }) => { const asked = context.call('log', 'write', null); asked.catch(() => {});
      return { out: [typeof asked.constructor.constructor, typeof asked.then.constructor].join(' ') }; }`,
    'undefined undefined',
  ],
  [
    'the error of a refused call leads to no compiler',
    `async ({ context }) => { const error = await context.call('net.http', 'request', null).catch((it) => it);
      return { out: [typeof error.constructor.constructor, typeof error.data?.constructor?.constructor].join(' ') }; }`,
    'undefined undefined',
  ],
  [
    'the arguments of the node lead to no compiler',
    `(step) => ({ out: [step.constructor, step.config.constructor, step.inputs.constructor].map((it) => typeof it?.constructor).join(' ') })`,
    NOWHERE,
  ],
]);

const stacks = reaching([
  [
    'a stack of any length shows no path of the machine',
    `() => { Error.stackTraceLimit = Infinity; return { out: String(/\\/|file:|node_modules|isolate-/.exec(new Error('x').stack)?.[0]) }; }`,
    'undefined',
  ],
  [
    'call sites of the plugin’s own errors give no function of the hub',
    `() => { Error.prepareStackTrace = (_, sites) => sites; const sites = new Error('x').stack;
      return { out: sites.slice(1).filter((it) => it.getFunction() !== undefined || it.getThis() !== undefined).map(String) }; }`,
    [],
  ],
  [
    'call sites of the hub’s errors, hooked through their constructor, give no function of the hub',
    `async ({ context }) => { const found = [];
      const error = await context.call('net.http', 'request', null).catch((it) => it);
      error.constructor.prepareStackTrace = (_, sites) => { found.push(...sites.filter((it) => it.getFunction() !== undefined || it.getThis() !== undefined).map(String)); return ''; };
      const again = await context.call('net.http', 'request', null).catch((it) => it); void again.stack;
      return { out: found }; }`,
    [],
  ],
  [
    'the errors of refused calls carry no path of the machine',
    `async ({ context }) => { const error = await context.call('net.http', 'request', null).catch((it) => it);
      return { out: String(/\\/work|\\/home|\\/root|\\/tmp|node_modules|\\.ts\\b/.exec(String(error.stack) + error.message + JSON.stringify(error.data))?.[0]) }; }`,
    'undefined',
  ],
]);

const globals = reaching([
  [
    'shared memory, machine code, finalizers, timers and sockets do not exist',
    `() => ({ out: ['WebAssembly', 'SharedArrayBuffer', 'Atomics', 'WeakRef', 'FinalizationRegistry', 'process', 'require', 'ivm', 'setTimeout',
      'setInterval', 'queueMicrotask', 'fetch', 'XMLHttpRequest', 'WebSocket', 'Worker', 'Buffer', 'Deno', 'Bun'].filter((it) => it in globalThis) })`,
    [],
  ],
  [
    'shared memory cannot be had from an array buffer either',
    `() => ({ out: [typeof new ArrayBuffer(8, { maxByteLength: 16 }).constructor.isView, typeof globalThis.SharedArrayBuffer].join(' ') })`,
    'function undefined',
  ],
  [
    'the console is silent and leads nowhere',
    `() => ({ out: [typeof console.log('x'), Object.isFrozen(console), typeof console.warn.derefInto].join(' ') })`,
    'undefined true undefined',
  ],
  [
    'import.meta holds nothing',
    `() => ({ out: Object.keys(import.meta).concat(String(import.meta.url), String(import.meta.dirname)) })`,
    ['undefined', 'undefined'],
  ],
  [
    'nothing of isolated-vm can be reached through what the hub gives',
    `({ context, config }) => ({ out: [context, context.call, config, context.signal].flatMap((it) =>
      ['derefInto', 'getSync', 'applySync', 'apply', 'copySync', 'release', 'deref'].filter((name) => name in it && name !== 'apply')) })`,
    [],
  ],
  [
    'the global object of the plugin is not that of the hub’s half',
    `({ context }) => { globalThis.mark = 1; return { out: [context, context.log].map((it) => Object.getPrototypeOf(it) === Object.prototype).join(' ') }; }`,
    'false false',
  ],
]);

playAttacks([...compilers, ...contexts, ...stacks, ...globals]);
