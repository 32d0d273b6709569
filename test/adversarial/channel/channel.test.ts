import type { AnyAttack, Expected } from '../arena/attack.ts';
import { expect } from 'vitest';
import { playAttacks } from '../arena/play.ts';

/** A process plugin that writes to its channel past the host's code, and then waits for what comes of it. */
const BEFORE = `
  import fs from 'node:fs';
  const bytes = (body, length = body.length) => { const head = Buffer.alloc(4); head.writeUInt32LE(length); return Buffer.concat([head, body]); };
  const write = (all) => { for (let at = 0; at < all.length;) try { at += fs.writeSync(3, all, at); } catch (error) { if (error.code !== 'EAGAIN') throw error; } };
  const text = (it) => write(bytes(Buffer.from(it)));
  const frame = (it) => text(JSON.stringify(it));
  const forever = () => new Promise(() => {});
  const report = (more) => ({ t: 'reply', id: 2, ok: true, value: [{ node: 'attack', ok: true, outputs: {}, ms: 0, ...more }] });
  const calling = (id) => bytes(Buffer.from(JSON.stringify({ t: 'call', id, within: 2, capability: 'log', operation: 'write', args: null })));
  const call = (more) => frame({ t: 'call', id: 900, within: 2, capability: 'log', operation: 'write', args: null, ...more });
`;

const attacks = (
  expect: Expected,
  cases: readonly (readonly [name: string, code: string])[],
  how: (name: string) => string,
): readonly AnyAttack[] =>
  cases.map(([name, code]) => ({
    name: how(name),
    runtime: 'process',
    before: BEFORE,
    code: `async ({ context, config }) => { ${code}; return await forever(); }`,
    timeoutMs: 3000,
    expect,
  }));

const noFrames = attacks(
  'HOST_PROTOCOL_ERROR',
  [
    ['a length of 4 GB', 'write(Buffer.from([0xff, 0xff, 0xff, 0xff]))'],
    ['a length one above the limit', 'write(bytes(Buffer.alloc(0), 1_048_577))'],
    ['a frame of a megabyte and one byte', 'write(bytes(Buffer.alloc(1_048_577, 32)))'],
    ['an empty frame', 'text("")'],
    ['a frame of spaces', 'text("    ")'],
    [
      'text where a length should be',
      'write(Buffer.from("not a frame at all, and long enough to be one"))',
    ],
    ['half of a JSON text', `text('{"t":"log"')`],
    ['two JSON texts in one frame', `text('{"t":"cancel","id":1}{"t":"cancel","id":1}')`],
    ['a byte order mark before JSON', `text('\\ufeff{"t":"cancel","id":1}')`],
    ['a comment in JSON', `text('{"t":"cancel",/**/"id":1}')`],
    [
      'bytes that are no UTF-8',
      'write(bytes(Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d])))',
    ],
    ['half of a surrogate as UTF-8', 'write(bytes(Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])))'],
    ['an overlong UTF-8 slash', 'write(bytes(Buffer.from([0x22, 0xc0, 0xaf, 0x22])))'],
    ['a NUL in JSON', `text('{"t":"cancel",\\u0000"id":1}')`],
    [
      'brackets a hundred deep',
      `text('{"t":"event","id":2,"value":{"a":' + '['.repeat(100) + ']'.repeat(100) + '}}')`,
    ],
    ['brackets half a million deep', `text('['.repeat(500_000) + ']'.repeat(500_000))`],
    ['a key __proto__', `text('{"t":"log","level":"info","text":"x","__proto__":{"polluted":1}}')`],
    [
      'an escaped key __proto__',
      `text('{"t":"log","level":"info","text":"x","\\\\u005f_proto__":{"polluted":1}}')`,
    ],
    ['a number', 'text("7")'],
    ['null', 'text("null")'],
    ['an array of frames', 'frame([{ t: "cancel", id: 1 }])'],
    ['NaN for an id', `text('{"t":"cancel","id":NaN}')`],
  ],
  (name) => `${name} is no frame and ends the host`,
);

const wrongFrames = attacks(
  'HOST_PROTOCOL_ERROR',
  [
    ['a frame of no kind', 'frame({ id: 1 })'],
    ['a frame of an unknown kind', 'frame({ t: "grant", id: 1, capability: "net.http" })'],
    ['a kind that is an object’s own', 'frame({ t: "constructor", id: 1 })'],
    [
      'a kind that only the hub sends: load',
      'frame({ t: "load", id: 1, plugin: "core/flow", source: "", last: true, memoryMb: 4096, entryMs: 1 })',
    ],
    [
      'a kind that only the hub sends: serve',
      'frame({ t: "serve", id: 1, capability: "net.http", operation: "request", args: null, caller: "core/flow", deadlineMs: 1 })',
    ],
    ['a kind that only the hub sends: credit', 'frame({ t: "credit", id: 2, n: 100 })'],
    ['a field too many', 'frame({ t: "cancel", id: 1, plugin: "core/flow" })'],
    ['an id below one', 'frame({ t: "cancel", id: 0 })'],
    ['an id that is a fraction', 'frame({ t: "cancel", id: 1.5 })'],
    ['an id larger than exact numbers', `text('{"t":"cancel","id":9007199254740993}')`],
    ['an id that is text', 'frame({ t: "cancel", id: "1" })'],
    ['an id that is an object', 'frame({ t: "cancel", id: { valueOf: 1 } })'],
    ['a log of a level nobody knows', 'frame({ t: "log", level: "fatal", text: "x" })'],
    [
      'a log line of 2 MB in one frame',
      'frame({ t: "log", level: "info", text: "x".repeat(1_000_000) })',
    ],
    ['a log line that is an object', 'frame({ t: "log", level: "info", text: { toString: "x" } })'],
  ],
  (name) => `${name} does not fit and ends the host`,
);

const forged = attacks(
  'HOST_PROTOCOL_ERROR',
  [
    [
      'an answer to a question never asked',
      'frame({ t: "reply", id: 999_999, ok: true, value: null })',
    ],
    ['an answer that is half a success', 'frame({ t: "reply", id: 2, ok: "true", value: null })'],
    ['a failure without an error', 'frame({ t: "reply", id: 2, ok: false })'],
    [
      'a failure with a code nobody knows',
      'frame({ t: "reply", id: 2, ok: false, error: { code: 7, message: "x", data: null, retryable: true } })',
    ],
    ['a run answered with a number', 'frame({ t: "reply", id: 2, ok: true, value: 7 })'],
    ['a run answered with null', 'frame({ t: "reply", id: 2, ok: true, value: null })'],
    [
      'a run answered with an object',
      'frame({ t: "reply", id: 2, ok: true, value: { node: "attack" } })',
    ],
    ['an event of a run', 'frame({ t: "event", id: 2, value: {} })'],
    ['an event of a question never asked', 'frame({ t: "event", id: 999_999, value: {} })'],
    ['a call within a question never asked', 'call({ within: 999_999 })'],
    ['a call in the name of another node', 'call({ node: "other" })'],
    ['a call of a capability nobody knows', 'call({ capability: "root" })'],
    ['a call of a capability that is an object’s own', 'call({ capability: "constructor" })'],
    ['a call of an operation a thousand letters long', 'call({ operation: "x".repeat(1000) })'],
    ['a call that says who calls', 'call({ plugin: "core/flow" })'],
  ],
  (name) => `${name} is a forgery and ends the host`,
);

const crowds = [
  // The hub takes the frames of a host in turns: a number that was answered before the second call is free again.
  ...attacks(
    ['HOST_PROTOCOL_ERROR', 'STEP_TIMED_OUT'],
    [['two calls of one number', 'write(Buffer.concat([calling(900), calling(900)]))']],
    (name) => `${name} end the host, or come one after the other to nothing`,
  ),
  // Behind so many its signs of life wait too.
  ...attacks(
    // Its pipe is held back: how far it comes before the step's time is over is a matter of pace.
    ['HOST_PROTOCOL_ERROR', 'HOST_UNRESPONSIVE', 'STEP_TIMED_OUT'],
    [
      [
        '4,000 calls at once, more than a second’s worth and 256 that wait,',
        'write(Buffer.concat(Array.from({ length: 4000 }, (_, i) => calling(1000 + i))))',
      ],
    ],
    (name) => `${name} end the host, or its step`,
  ),
];

const reports = attacks(
  'HOST_PROTOCOL_ERROR',
  [
    ['a report of another node', 'frame(report({ node: "other" }))'],
    [
      'reports of more nodes than were asked for',
      'frame({ t: "reply", id: 2, ok: true, value: [{ node: "attack", ok: true, outputs: {}, ms: 0 }, { node: "more", ok: true, outputs: {}, ms: 0 }] })',
    ],
    ['a report whose outputs are a text', 'frame(report({ outputs: "all" }))'],
    ['a report with a time that is no number', 'frame(report({ ms: "soon" }))'],
  ],
  (name) => `${name}, sent past the host’s own checks, is refused by the hub`,
);

const believedNothing = attacks(
  'STEP_FAILED',
  [
    ['a report whose success is a text', 'frame(report({ ok: "yes" }))'],
    [
      'a report with a code that speaks for the hub',
      'frame({ t: "reply", id: 2, ok: true, value: [{ node: "attack", ok: false, ms: 0, error: { code: "PLUGIN_NOT_INSTALLED", message: "x", data: null, retryable: false } }] })',
    ],
  ],
  (name) => `${name}, sent past the host’s own checks, is a failed step`,
);

playAttacks([
  ...crowds,
  ...believedNothing,
  {
    name: 'an output of another type than the node declares, sent past the host’s own checks, is refused',
    runtime: 'process',
    before: BEFORE,
    outputs: { out: { type: 'boolean' } },
    code: `async () => { frame(report({ outputs: { out: 'maybe' } })); return await forever(); }`,
    expect: 'STEP_OUTPUT_INVALID',
  },
  ...noFrames,
  ...wrongFrames,
  ...forged,
  ...reports,
  {
    name: 'a step that is answered without a report is not run for ever',
    runtime: 'process',
    before: `${BEFORE} let runs = 0;`,
    // The hub's questions are numbered: the load is the first, each run the next.
    code: `async () => { runs += 1; if (runs > 20) return { out: runs }; frame({ t: 'reply', id: runs + 1, ok: true, value: [] }); return await forever(); }`,
    expect: 'HOST_PROTOCOL_ERROR',
  },
  {
    name: 'the second of two answers to one question ends the host, the first counts',
    runtime: 'process',
    before: BEFORE,
    code: 'async () => { write(Buffer.concat([1, 2].map((out) => bytes(Buffer.from(JSON.stringify(report({ outputs: { out } }))))))); return await forever(); }',
    expect: { out: 1 },
    look: ({ events }) => expect(events.join('\n')).toContain('a reply to a question nobody asked'),
  },
  ...attacks(
    'HOST_UNRESPONSIVE',
    [['half a frame and then nothing', 'write(bytes(Buffer.from("{"), 1000)); for (;;);']],
    (name) => `${name} ends with the deadline`,
  ),
  ...attacks(
    'HOST_CRASHED',
    [
      ['closes its channel', 'fs.closeSync(3)'],
      ['ends with 0 in the middle of a step', 'process.exit(0)'],
      ['aborts', 'process.abort()'],
      ['ends itself', 'process.kill(process.pid, "SIGKILL")'],
    ],
    (name) => `a process that ${name} has crashed`,
  ),
  ...attacks(
    'STEP_FAILED',
    [
      ['throws where nobody listens', 'setTimeout(() => { throw new Error("loose"); })'],
      ['rejects where nobody listens', 'Promise.reject(new Error("loose"))'],
      [
        'speaks Node’s cluster protocol, which nobody listens to',
        'process.send({ cmd: "NODE_HANDLE_ACK" })',
      ],
      [
        'asks for a channel to its parent, which is not there',
        'if (process.channel === undefined) throw new Error("none")',
      ],
    ],
    (name) => `a process that ${name} fails its step`,
  ),
]);
