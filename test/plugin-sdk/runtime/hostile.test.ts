import { beforeAll, expect, test } from 'vitest';
import { buildRuntime } from '../../../plugin-sdk/runtime/build.ts';
import { pluginText, run, startHost, step } from './host-client.ts';

beforeAll(buildRuntime);

/** Loads a plugin with one node whose `run` is `body`, runs it once, and says what the hub saw. */
async function attack(body: string, before = '', deadlineMs = 3000) {
  const client = await startHost('isolate');
  const load = await client.load(pluginText(`node('x', ${body})`, '', before));
  if (!load.ok) {
    const end = await client.ended;
    return { seen: load.error.code, message: load.error.message, end, client };
  }
  client.send({ t: 'define', segment: 's', steps: [step('a', 'x')] });
  client.send(run(2, 's', { deadlineMs }));
  const reply = await client.reply(2).catch(() => null);
  if (reply === null) return { seen: 'DEAD', message: '', end: await client.ended, client };
  if (!reply.ok) return { seen: reply.error.code, message: reply.error.message, client };
  // SAFETY: a reply to run holds reports.
  const report = (
    reply.value as readonly { ok: boolean; error?: { code: string; message: string } }[]
  )[0];
  const value = JSON.stringify(report);
  const seen = report?.ok === true ? 'OK' : String(report?.error?.code);
  return { seen, message: value, client };
}

async function expectSeen(
  outcome: Awaited<ReturnType<typeof attack>>,
  seen: string,
  ends: boolean,
) {
  await using client = outcome.client;
  expect(outcome.seen).toBe(seen);
  if (ends) await client.ended;
  else {
    client.send(run(77, 's'));
    await client.reply(77);
  }
}

test.each([
  ['a loop without end', '() => { for (;;); }'],
  [
    'a loop of microtasks',
    '() => { const f = () => Promise.resolve().then(f); f(); return new Promise(() => {}); }',
  ],
  ['an await loop', 'async () => { for (;;) await null; }'],
  ['a pattern that backtracks for ever', '() => ({ out: /(a+)+$/.test("a".repeat(64) + "b") })'],
  ['a getter of a thrown error', '() => { throw { get message() { for (;;); } }; }'],
  ['a toJSON', '() => ({ out: { toJSON() { for (;;); } } })'],
  ['a thenable', '() => ({ then() { for (;;); } })'],
  [
    'a loop after an answer',
    '() => { Promise.resolve().then(() => { for (;;); }); return new Promise(() => {}); }',
  ],
])('%s ends as STEP_TIMED_OUT and with the host', async (_name, body) => {
  await expectSeen(await attack(body), 'STEP_TIMED_OUT', true);
});

test('a promise that never settles ends at the deadline', async () => {
  await expectSeen(await attack('() => new Promise(() => {})', '', 50), 'STEP_TIMED_OUT', true);
});

test.each([
  ['a Proxy', '() => { throw new Proxy({}, { get() { throw 1; } }); }'],
  ['null', '() => { throw null; }'],
  ['an object without prototype', '() => { throw Object.create(null); }'],
  [
    'an error with a symbol as message',
    '() => { throw { message: Symbol("x"), code: Symbol("y") }; }',
  ],
  [
    'a rejected Proxy',
    '() => Promise.reject(new Proxy({}, { getPrototypeOf() { throw 1; }, get() { throw 1; } }))',
  ],
  ['outputs that are a Proxy', '() => new Proxy({}, { ownKeys() { throw new Error("no"); } })'],
  ['outputs that contain themselves', '() => { const o = {}; o.out = o; return o; }'],
  ['outputs that are no object', '() => 7'],
  ['a stack without end', '() => { const f = () => f() + 1; return f(); }'],
])('throwing %s is a failed step and the host lives', async (_name, body) => {
  await expectSeen(await attack(body), 'STEP_FAILED', false);
});

test('prototypes that the plugin patched change nothing for the hub', async () => {
  const before = `
    JSON.stringify = () => 'junk'; JSON.parse = () => null;
    Promise.prototype.then = function () { throw 1; };
    Array.prototype.push = () => { throw 1; };
    Map.prototype.get = () => { throw 1; }; Map.prototype.set = () => { throw 1; };
    Function.prototype.call = Function.prototype.apply = () => { throw 1; };
    Object.prototype.toJSON = () => 'swallowed'; String.prototype.startsWith = () => { throw 1; };`;
  await expectSeen(await attack('() => ({ out: 1 })', before), 'HOST_LOAD_FAILED', true);
  const quiet = before.replace(/Object\.prototype\.toJSON[^;]+;/u, '');
  await expectSeen(await attack('() => ({ out: 1 })', quiet), 'OK', false);
});

test.each([
  ['process', 'typeof ({}).constructor.constructor("return typeof process")()'],
  ['process through the hub’s functions', 'context.call.constructor("return process")()'],
  ['require', 'require("fs")'],
])('%s is out of reach', async (_name, expression) => {
  const outcome = await attack(`({ context }) => ({ out: ${expression} })`);
  await using client = outcome.client;
  expect(client).toBeDefined();
  if (outcome.seen === 'OK') expect(outcome.message).toContain('"out":"string"');
  else expect(outcome.seen).toBe('STEP_FAILED');
});

test('dangerous globals do not exist, neither for the plugin nor behind the hub’s functions', async () => {
  const names =
    '["WebAssembly","SharedArrayBuffer","Atomics","WeakRef","FinalizationRegistry","process","require","ivm","setTimeout","fetch"]';
  const body = `({ context }) => ({ out: ${names}.filter((name) => name in globalThis).concat(
    [context.call, context.sleep, context.log.info, context].map((it) => typeof it.constructor).filter((t) => t !== "undefined" && t !== "function")) })`;
  const outcome = await attack(body);
  await using client = outcome.client;
  expect(client).toBeDefined();
  expect(outcome.message).toContain('"out":[]');
});

test('a static import is refused at load', async () => {
  const outcome = await attack('() => ({})', 'import fs from "fs";');
  expect(outcome.seen).toBe('HOST_LOAD_FAILED');
});

test('a dynamic import is a failed step', async () => {
  await expectSeen(await attack('async () => ({ out: await import("fs") })'), 'STEP_FAILED', false);
});

test.each([
  ['loops', 'for (;;);'],
  [
    'throws an error whose getter loops',
    'throw { get message() { for (;;); }, get stack() { for (;;); } };',
  ],
  ['waits for ever', 'await new Promise(() => {});'],
])('a plugin.js that %s is a failed load', async (_name, before) => {
  const outcome = await attack('() => ({})', before);
  expect(outcome.seen).toBe('HOST_LOAD_FAILED');
});

test.each([
  ['a Map', 'const m = new Map(); for (let i = 0; ; i++) m.set(i, i);'],
  ['an array', 'const a = []; for (;;) a.push(new Array(1000).fill(1));'],
  [
    'closures',
    'let f = () => 1; for (;;) { const g = f; f = () => g; globalThis["x" + Math.random()] = f; }',
  ],
])('memory filled with %s costs only this host', async (_name, code) => {
  const outcome = await attack(`() => { ${code} }`);
  await using client = outcome.client;
  expect(['HOST_OUT_OF_MEMORY', 'STEP_TIMED_OUT', 'DEAD']).toContain(outcome.seen);
  await client.ended;
});

test('an output larger than a frame is a failed step', async () => {
  const outcome = await attack('() => ({ out: "x".repeat(5_000_000) })');
  await expectSeen(outcome, 'STEP_FAILED', false);
});

test('a flood of log is cut and its control characters are taken out', async () => {
  const body =
    '({ context }) => { for (let i = 0; i < 2000; i++) context.log.info("\\u001b[31m\\r\\n" + i); return { out: 1 }; }';
  const outcome = await attack(body);
  await using client = outcome.client;
  expect(outcome.seen).toBe('OK');
  const lines = client.frames.filter((frame) => frame.t === 'log');
  expect(lines.length).toBeGreaterThan(0);
  expect(lines.length).toBeLessThanOrEqual(200);
  // oxlint-disable-next-line no-control-regex
  expect(lines.some((frame) => frame.t === 'log' && /[\u0000-\u001f]/u.test(frame.text))).toBe(
    false,
  );
});

test('a flood of calls is refused above the limit', async () => {
  const body = `async ({ context }) => {
    const all = await Promise.allSettled(Array.from({ length: 400 }, (_, i) => i < 256 ? (void context.call("log", "x", i), null) : context.call("log", "x", i)));
    return { out: all.filter((it) => it.reason?.code === "HOST_OVERLOADED").length }; }`;
  const outcome = await attack(body);
  await using client = outcome.client;
  expect(outcome.message).toContain('"out":144');
  expect(client.frames.filter((frame) => frame.t === 'call')).toHaveLength(256);
});

test('a call of a finished step is refused', async () => {
  const body = `({ context }) => { globalThis.kept ??= context; if (globalThis.kept !== context)
    return globalThis.kept.call("state", "get", { key: "k" }).then((out) => ({ out })); return { out: 1 }; }`;
  const outcome = await attack(body);
  await using client = outcome.client;
  client.send(run(3, 's'));
  expect(await client.reply(3)).toMatchObject({ value: [{ error: { code: 'STEP_CANCELLED' } }] });
  expect(client.frames.some((frame) => frame.t === 'call')).toBe(false);
});
