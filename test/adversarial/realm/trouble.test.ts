import type { AnyAttack } from '../arena/attack.ts';
import { playAttacks } from '../arena/play.ts';

const failing: readonly AnyAttack[] = (
  [
    ['a thrown Proxy', '() => { throw new Proxy({}, { get() { throw 1; } }); }'],
    ['a thrown null', '() => { throw null; }'],
    ['a thrown object without prototype', '() => { throw Object.create(null); }'],
    [
      'an error whose message and code are symbols',
      '() => { throw { message: Symbol("x"), code: Symbol("y") }; }',
    ],
    [
      'an error whose name is a symbol',
      '() => { const error = new Error("x"); error.name = Symbol(); throw error; }',
    ],
    [
      'an error whose code converts itself',
      '() => { throw { message: { toString() { throw 1; } }, code: { toString: () => "HUB_BUSY" } }; }',
    ],
    [
      'a rejected Proxy',
      '() => Promise.reject(new Proxy({}, { getPrototypeOf() { throw 1; }, get() { throw 1; } }))',
    ],
    [
      'outputs that are a Proxy with a trap',
      '() => new Proxy({}, { ownKeys() { throw new Error("no"); } })',
    ],
    ['outputs that contain themselves', '() => { const o = {}; o.out = o; return o; }'],
    ['outputs that are a number', '() => 7'],
    ['outputs that are an array', '() => [1]'],
    ['outputs that are a function', '() => () => 1'],
    ['outputs that hold a BigInt', '() => ({ out: 1n })'],
    ['a stack without end', '() => { const f = () => f() + 1; return f(); }'],
    [
      'an aggregate of errors nested in each other',
      '() => { const e = new AggregateError([], "m"); e.errors.push(e); e.cause = e; throw e; }',
    ],
    [
      'an error that swears to be another class',
      '() => { class HubError extends Error { code = "CAPABILITY_GRANTED"; } throw new HubError("x"); }',
    ],
    ['a dynamic import', 'async () => ({ out: await import("node:fs") })'],
    [
      'a dynamic import of data',
      'async () => ({ out: await import("data:text/javascript,export default 1") })',
    ],
    ['a call of require', '() => ({ out: require("fs") })'],
    [
      'a use of a blob, which isolates have no way to',
      'async ({ context }) => ({ out: await context.blobs.read({ $blob: "0".repeat(32) }) })',
    ],
  ] as const
).map(([name, code]) => ({
  name: `${name} is a failed step`,
  runtime: 'isolate',
  code,
  expect: 'STEP_FAILED',
}));

const patching: readonly AnyAttack[] = (
  [
    ['JSON', `JSON.stringify = () => 'junk'; JSON.parse = () => null;`],
    [
      'promises',
      `Promise.prototype.then = function () { throw 1; }; Promise.resolve = () => { throw 1; };`,
    ],
    [
      'the species of promises',
      `Object.defineProperty(Promise, Symbol.species, { get() { throw 1; } });`,
    ],
    ['typed arrays', `Uint8Array.prototype.set = Uint8Array.from = () => { throw 1; };`],
    [
      'maps and sets',
      `Map.prototype.get = Map.prototype.set = Set.prototype.add = () => { throw 1; };`,
    ],
    [
      'functions',
      `Function.prototype.call = Function.prototype.apply = Function.prototype.bind = () => { throw 1; };`,
    ],
    [
      'strings and patterns',
      `String.prototype.startsWith = String.prototype.slice = RegExp.prototype.exec = () => { throw 1; };`,
    ],
    [
      'getters of every object',
      `Object.defineProperty(Object.prototype, 'then', { get() { return undefined; } }); Object.freeze = Object.entries = () => { throw 1; };`,
    ],
    [
      'symbols',
      `Symbol.for = () => { throw 1; }; Object.prototype[Symbol.toPrimitive] = () => { throw 1; };`,
    ],
    ['errors', `Error = function () { throw 1; }; globalThis.TypeError = null;`],
  ] as const
).map(([what, before]) => ({
  name: `${what}, patched before the hub comes, change nothing for it`,
  runtime: 'isolate',
  before,
  code: '() => ({ out: 1 })',
  expect: { out: 1 },
}));

playAttacks([
  ...failing,
  ...patching,
  {
    name: 'a toJSON of every object swallows the plugin’s own description, not the hub',
    runtime: 'isolate',
    before: `Object.prototype.toJSON = () => 'swallowed';`,
    code: '() => ({ out: 1 })',
    expect: 'HOST_LOAD_FAILED',
  },
  {
    name: 'arrays without an iterator break the plugin’s own description, not the hub',
    runtime: 'isolate',
    before: `Array.prototype[Symbol.iterator] = Array.prototype.map = () => { throw 1; };`,
    code: '() => ({ out: 1 })',
    expect: 'HOST_LOAD_FAILED',
  },
  {
    name: 'the caller of a sloppy function stays hidden',
    runtime: 'isolate',
    before: `const sloppy = new Function('return String(arguments.callee.caller)');`,
    code: '() => ({ out: sloppy() })',
    expect: { out: 'null' },
  },
  {
    name: 'text compiled while a step runs is refused',
    runtime: 'isolate',
    code: `() => ({ out: new Function('return 1')() })`,
    expect: 'STEP_FAILED',
  },
  {
    name: 'statics of the hub’s realm, patched through its objects, harm the plugin alone',
    runtime: 'isolate',
    code: `async ({ context }) => { const { constructor: Theirs } = Object.getPrototypeOf(context);
      for (const name of Object.getOwnPropertyNames(Theirs)) try { Theirs[name] = () => { throw 1; }; } catch {}
      const { constructor: Promised } = context.call('log', 'write', null).catch(() => {});
      for (const name of ['resolve', 'reject', 'withResolvers']) try { Promised[name] = () => { throw 1; }; } catch {}
      return { out: 'mine' }; }`,
    expect: { out: 'mine' },
  },
  {
    name: 'prototypes of the hub’s realm are frozen',
    runtime: 'isolate',
    code: `({ context }) => { const proto = Object.getPrototypeOf(context); try { proto.polluted = 1; } catch {}
      return { out: [Object.isFrozen(proto), ({}).polluted === undefined, context.log.polluted === undefined].join(' ') }; }`,
    expect: { out: 'true true true' },
  },
  {
    name: 'an output with a key __proto__ is no frame',
    runtime: 'isolate',
    code: `() => ({ out: JSON.parse('{"__proto__":{"polluted":1}}') })`,
    expect: 'HOST_PROTOCOL_ERROR',
  },
  {
    name: 'an output with constructor.prototype is a value like any other and pollutes nothing',
    runtime: 'isolate',
    code: `() => ({ out: { constructor: { prototype: { polluted: 1 } }, polluted: typeof ({}).polluted } })`,
    expect: { out: { constructor: { prototype: { polluted: 1 } }, polluted: 'undefined' } },
  },
  {
    name: 'what an output would say to Node’s inspector stays inside',
    runtime: 'isolate',
    code: `({ context }) => { const spy = { [Symbol.for('nodejs.util.inspect.custom')]: () => { for (;;); } }; context.log.info(spy); return { out: spy }; }`,
    expect: { out: {} },
  },
  {
    name: 'a static import is refused at load',
    runtime: 'isolate',
    before: 'import fs from "node:fs";',
    code: '() => ({})',
    expect: 'HOST_LOAD_FAILED',
  },
  {
    name: 'a static import of a file of the hub is refused at load',
    runtime: 'isolate',
    before: 'import "../../keys/developer.pem";',
    code: '() => ({})',
    expect: 'HOST_LOAD_FAILED',
  },
  {
    name: 'a plugin that describes itself otherwise than its signed manifest is not loaded',
    runtime: 'isolate',
    before: 'globalThis.later = true;',
    code: '() => ({}); definition.permissions.push({ capability: "net.http", target: "*", reason: "more" })',
    expect: 'HOST_LOAD_FAILED',
  },
  {
    name: 'a plugin that calls itself by another’s name is not loaded',
    runtime: 'isolate',
    code: '() => ({}); definition.id = "core/flow"',
    expect: 'HOST_LOAD_FAILED',
  },
]);
