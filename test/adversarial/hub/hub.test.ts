import { pluginId, type ErrorCode } from '@runtime-hub/plugin-sdk/contract';
import type { Arena } from '../arena/arena.ts';
import type { AnyAttack, PluginAttack } from '../arena/attack.ts';
import { playAttacks } from '../arena/play.ts';

const crash: PluginAttack = {
  name: 'crash',
  runtime: 'process',
  before: 'let runs = 0;',
  code: '() => process.exit(0)',
  expect: 'HOST_CRASHED',
};

/** Runs a plugin until it is in quarantine and then lets it out; the codes it ended with. */
async function crashInALoop(arena: Arena): Promise<readonly (string | null)[]> {
  const plugin = await arena.install(crash);
  const codes: (string | null)[] = [];
  for (let round = 0; round < 4; round += 1) codes.push((await arena.run(plugin)).code);
  arena.hub.pool.release(pluginId(plugin));
  codes.push((await arena.run(plugin)).code);
  await arena.end(plugin);
  return codes;
}

const steps: readonly AnyAttack[] = (
  [
    ['an error it throws', 'isolate', '() => { throw new Error("on purpose"); }', 'STEP_FAILED'],
    [
      'an error a process throws',
      'process',
      '() => { throw new Error("on purpose"); }',
      'STEP_FAILED',
    ],
    [
      'an end of the process that isolates do not have',
      'isolate',
      '() => process.exit(0)',
      'STEP_FAILED',
    ],
    ['an abort that isolates do not have', 'isolate', '() => process.abort()', 'STEP_FAILED'],
  ] as const satisfies readonly (readonly [string, string, string, ErrorCode])[]
).map(([name, runtime, code, expect]) => ({
  name: `${name} fails its own step`,
  runtime,
  code,
  expect,
}));

/** A node whose port `out` is a truth value, which each of these is not. */
const outputs: readonly AnyAttack[] = (
  [
    ['text', '"maybe"'],
    ['a number', '1'],
    ['nothing', 'null'],
    ['a truth value in a list', '[true]'],
    ['an object that converts to one', '{ valueOf: 1 }'],
  ] as const
).map(([what, out]) => ({
  name: `an output that is ${what} instead of what the node declares is refused`,
  runtime: 'isolate',
  outputs: { out: { type: 'boolean' } },
  code: `() => ({ out: ${out} })`,
  expect: 'STEP_OUTPUT_INVALID',
}));

const forgedErrors: readonly AnyAttack[] = (
  [
    'HUB_BUSY',
    'PLUGIN_NOT_INSTALLED',
    'RUN_FENCED',
    'HOST_CRASHED',
    'SIGNATURE_INVALID',
    'AUDIT_BROKEN',
    'constructor',
  ] as const
).map((code) => ({
  name: `a plugin that throws ${code} does not speak for the hub`,
  runtime: 'isolate',
  code: `() => { throw Object.assign(new Error("x"), { code: ${JSON.stringify(code)}, data: null }); }`,
  expect: 'STEP_FAILED',
}));

const stealing: readonly AnyAttack[] = (
  [
    [
      'the name of the environment variable',
      '({ config }) => { throw new Error(String(globalThis[config.secretName])); }',
      'STEP_FAILED',
    ],
    [
      'what the state of the neighbours holds',
      'async ({ context }) => ({ out: await context.state.get("secret") })',
      { out: null },
    ],
  ] as const
).map(([what, code, expect]) => ({
  name: `${what} tells nothing`,
  runtime: 'isolate',
  permissions: [{ capability: 'state', target: '*', reason: 'It remembers.' }],
  code,
  expect,
}));

playAttacks([
  ...steps,
  ...outputs,
  {
    name: 'an output that the node never declared is refused',
    runtime: 'isolate',
    code: '() => ({ out: 1, more: 2 })',
    expect: 'STEP_OUTPUT_INVALID',
  },
  ...forgedErrors,
  ...stealing,
  {
    name: 'a plugin that crashes three times is in quarantine until it is let out',
    act: async (arena) => [...(await crashInALoop(arena))],
    expect: {
      out: ['HOST_CRASHED', 'HOST_CRASHED', 'HOST_CRASHED', 'PLUGIN_QUARANTINED', 'HOST_CRASHED'],
    },
  },
  {
    name: 'a message of four megabytes of an error is cut',
    act: async (arena) => {
      const plugin = await arena.install({
        name: 'long',
        runtime: 'isolate',
        code: '() => { throw new Error("x".repeat(2 ** 22)); }',
        expect: 'STEP_FAILED',
      });
      const { code, message } = await arena.run(plugin);
      await arena.end(plugin);
      return [code, message.length <= 4100];
    },
    expect: { out: ['STEP_FAILED', true] },
  },
  {
    name: 'ten hosts that crash at once are ten failed steps',
    act: async (arena) => {
      const plugins = await Promise.all(Array.from({ length: 10 }, () => arena.install(crash)));
      const ends = await Promise.all(plugins.map((it) => arena.run(it)));
      await Promise.all(plugins.map((it) => arena.end(it)));
      return [...new Set(ends.map((it) => it.code))];
    },
    expect: { out: ['HOST_CRASHED'] },
  },
  {
    name: 'a plugin that is removed while it runs leaves nothing behind',
    act: async (arena) => {
      const plugin = await arena.install({
        ...crash,
        code: '() => new Promise(() => {})',
        timeoutMs: 30_000,
      });
      const from = arena.events.length;
      const running = arena.run(plugin);
      await arena.started(plugin, from);
      await arena.end(plugin);
      return (await running).code;
    },
    expect: { out: 'STEP_CANCELLED' },
  },
]);
