import { expect } from 'vitest';
import type { AnyAttack, PluginAttack } from '../arena/attack.ts';
import { playAttacks } from '../arena/play.ts';

const STATE = [{ capability: 'state', target: '*', reason: 'It remembers.' }] as const;
const BLOBS = [{ capability: 'blobs', target: '*', reason: 'It keeps things.' }] as const;
const REQUIRE =
  'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);';

/** At most what a second lets through, and a little of the next. */
const isCut: PluginAttack['look'] = ({ logs }) => {
  expect(logs.length).toBeLessThan(250);
  expect(logs.join('').length).toBeLessThan(200_000);
  // oxlint-disable-next-line no-control-regex
  expect(logs.filter((it) => /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/u.test(it))).toEqual([]);
};

const logs: readonly AnyAttack[] = [
  {
    name: 'two thousand log lines are cut to their rate',
    runtime: 'isolate',
    code: '({ context }) => { for (let i = 0; i < 2000; i++) context.log.info("line " + i); return { out: 1 }; }',
    expect: { out: 1 },
    look: isCut,
  },
  {
    name: 'log lines that would drive a terminal or forge lines are made harmless',
    runtime: 'isolate',
    code: String.raw`({ context }) => { for (const text of ["\u001b]0;owned\u0007", "\u001b[2J", "a\r\n2026 hub: all is well", "\u009b31m", "\u202e", "\u0000"]) context.log.warn(text); return { out: 1 }; }`,
    expect: { out: 1 },
    look: isCut,
  },
  {
    name: 'a log line of 2 MB is cut',
    runtime: 'isolate',
    code: '({ context }) => { context.log.info("x".repeat(2 ** 21)); return { out: 1 }; }',
    expect: { out: 1 },
    look: isCut,
  },
  {
    name: 'a process that writes 50 MB to its standard output is heard a little',
    runtime: 'process',
    before: REQUIRE,
    code: '() => { const fs = require("node:fs"); const text = Buffer.alloc(65536, 120); let left = 50 << 20; while (left > 0) try { left -= fs.writeSync(1, text); } catch {} return { out: 1 }; }',
    timeoutMs: 20_000,
    expect: { out: 1 },
    look: isCut,
  },
  {
    name: 'a process that writes escape sequences to its standard error cannot drive a terminal',
    runtime: 'process',
    code: String.raw`() => { for (let i = 0; i < 500; i++) console.error("\u001b[31m\r\nhub: all is well\u0007"); return { out: 1 }; }`,
    expect: { out: 1 },
    look: isCut,
  },
];

const calls: readonly AnyAttack[] = [
  {
    name: 'of 400 calls at once no more than are answered meanwhile are taken beyond 256',
    runtime: 'isolate',
    code: `async ({ context }) => { const all = await Promise.allSettled(Array.from({ length: 400 }, (_, i) => context.call("state", "get", { key: "k" + i })));
      const refused = all.filter((it) => it.reason?.code === "HOST_OVERLOADED").length; return { out: refused > 0 && refused <= 144 }; }`,
    permissions: STATE,
    expect: { out: true },
  },
  {
    name: 'two hundred thousand calls end with the time of their entry',
    runtime: 'isolate',
    code: 'async ({ context }) => { for (let i = 0; i < 200_000; i++) context.call("state", "get", { key: "k" }).catch(() => {}); return new Promise(() => {}); }',
    permissions: STATE,
    // Its host may be ended before its last words are read, or while it has no turn for a sign of life.
    expect: ['STEP_TIMED_OUT', 'HOST_OUT_OF_MEMORY', 'HOST_CRASHED', 'HOST_UNRESPONSIVE'],
  },
  {
    name: 'calls in the row are refused above their rate, or too slow to reach it',
    runtime: 'isolate',
    code: `async ({ context }) => { let refused = 0; const from = Date.now(); for (let round = 0; round < 40; round++) { const all = await Promise.allSettled(Array.from({ length: 100 }, () => context.state.get("k")));
      refused += all.filter((it) => it.reason?.code === "HOST_OVERLOADED").length; } return { out: refused > 0 || Date.now() - from > 1000 }; }`,
    permissions: STATE,
    timeoutMs: 10_000,
    expect: { out: true },
  },
  {
    name: 'calls of a megabyte each fail alone',
    runtime: 'isolate',
    code: `async ({ context }) => { const text = "x".repeat(1_000_001); const all = await Promise.allSettled([1, 2, 3].map(async (key) => await context.state.set("k" + key, text)));
      return { out: all.map((it) => it.reason?.code) }; }`,
    permissions: STATE,
    expect: { out: ['STEP_FAILED', 'STEP_FAILED', 'STEP_FAILED'] },
  },
  {
    name: 'a value of 65 KiB is not remembered',
    runtime: 'isolate',
    code: 'async ({ context }) => { await context.state.set("k", "x".repeat(66_000)); }',
    permissions: STATE,
    expect: 'STATE_TOO_LARGE',
  },
  {
    name: 'values beyond a megabyte for all of a plugin are not remembered',
    runtime: 'isolate',
    code: 'async ({ context }) => { for (let i = 0; i < 40; i++) await context.state.set("k" + i, "x".repeat(60_000)); }',
    permissions: STATE,
    expect: 'STATE_TOO_LARGE',
  },
  {
    name: 'a name of a value of a kilobyte is refused',
    runtime: 'isolate',
    code: 'async ({ context }) => { await context.state.set("k".repeat(1000), 1); }',
    permissions: STATE,
    expect: 'STEP_FAILED',
  },
  {
    name: 'a call in the name of a step that is over is refused',
    act: async (arena) => {
      const plugin = await arena.install({
        name: 'keep',
        runtime: 'isolate',
        before: 'let kept = null;',
        code: `({ context }) => { if (kept !== null) return kept.state.get("k").then((out) => ({ out })); kept = context; return { out: 1 }; }`,
        permissions: STATE,
        expect: { out: 1 },
      });
      const codes = [(await arena.run(plugin)).code, (await arena.run(plugin)).code];
      await arena.end(plugin);
      return codes;
    },
    expect: { out: [null, 'STEP_CANCELLED'] },
  },
  {
    name: 'two thousand sleeps end the host that started them',
    runtime: 'isolate',
    code: 'async ({ context }) => { for (let i = 0; i < 2000; i++) context.sleep(100_000).catch(() => {}); return new Promise(() => {}); }',
    expect: ['HOST_CRASHED', 'STEP_TIMED_OUT'],
  },
];

const blobs: readonly AnyAttack[] = [
  {
    name: 'a blob of 65 MB is refused',
    runtime: 'process',
    code: 'async ({ context }) => { await context.blobs.write(new Uint8Array(65 << 20), "x/y"); }',
    permissions: BLOBS,
    timeoutMs: 20_000,
    expect: 'BLOB_TOO_LARGE',
  },
  {
    name: 'three hundred blobs are kept, and none of another plugin is lost',
    runtime: 'process',
    code: 'async ({ context }) => { for (let i = 0; i < 300; i++) await context.blobs.write(new Uint8Array(1024).fill(i), "x/y"); return { out: 1 }; }',
    permissions: BLOBS,
    timeoutMs: 10_000,
    expect: { out: 1 },
  },
  {
    name: 'a guessed blob is not found',
    runtime: 'process',
    code: 'async ({ context }) => { await context.blobs.read({ $blob: "0".repeat(32), mime: "x/y", sizeBytes: 1, sha256: "0".repeat(64) }); }',
    permissions: BLOBS,
    expect: 'BLOB_NOT_FOUND',
  },
  {
    name: 'a guessed blob cannot be given away',
    runtime: 'process',
    code: '() => ({ out: { $blob: "0".repeat(32), mime: "x/y", sizeBytes: 1, sha256: "0".repeat(64) } })',
    permissions: BLOBS,
    expect: 'BLOB_NOT_FOUND',
  },
  {
    name: 'a guessed blob of an isolate cannot be given away',
    runtime: 'isolate',
    code: '() => ({ out: { deep: [{ $blob: "f".repeat(32) }] } })',
    expect: 'BLOB_NOT_FOUND',
  },
  {
    name: 'a link in the folder for new blobs leads nowhere',
    runtime: 'process',
    before: REQUIRE,
    code: `async ({ config, context }) => { const fs = require("node:fs"); const file = process.env.HUB_BLOBS_OUT + "/stolen";
      try { fs.symlinkSync(config.secretFile, file); } catch (error) { return { out: error.code }; } return { out: await context.call("blobs", "put", { file: "stolen", mime: "x/y" }) }; }`,
    permissions: BLOBS,
    expect: { out: 'ERR_ACCESS_DENIED' },
  },
  {
    name: 'a path out of the folder for new blobs is refused',
    runtime: 'process',
    code: 'async ({ context, config }) => { await context.call("blobs", "put", { file: "../../../.." + config.secretFile, mime: "x/y" }); }',
    permissions: BLOBS,
    expect: 'STEP_FAILED',
  },
];

playAttacks([...logs, ...calls, ...blobs]);
