import { statSync } from 'node:fs';
import path from 'node:path';
import { pluginId, type ErrorCode } from '@runtime-hub/plugin-sdk/contract';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openHub, type Hub } from '../../../studio/server/hub.ts';
import { chainOf, installBuiltIns, installFixture, temporaryFolder } from '../../support/hub.ts';
import { applyPolicy } from '../../support/trust.ts';

const BAD = pluginId('hostile/python');
const GOOD = pluginId('bench/python-words');
const SDK = path.resolve(import.meta.dirname, '../../../plugin-sdk');
const ONCE = { maxAttempts: 1, delayMs: 1, maxDelayMs: 1 };

/** What comes of an attack: the code of the step's error (null: it came to nothing), and what the message says. */
type Outcome = readonly [code: ErrorCode | RegExp | null, says?: RegExp];

const EPERM: Outcome = ['STEP_FAILED', /Errno 1\]|PermissionError/u];
const READ_ONLY: Outcome = ['STEP_FAILED', /Errno 30\]/u];
const MODE: Outcome = ['STEP_FAILED', /Errno 13\]/u];
/** The mount refuses whoever may write the file; anybody else its mode has refused before. */
const unchangeable = (file: string): Outcome =>
  [0, statSync(file).uid].includes(process.getuid?.() ?? -1) ? READ_ONLY : MODE;
/** By its mode, whoever owns it, or by the mount. */
const UNWRITABLE: Outcome = ['STEP_FAILED', /Errno (13|30)\]/u];
const NOTHING: Outcome = [null];
const CRASHED: Outcome = ['HOST_CRASHED'];
const PROTOCOL: Outcome = ['HOST_PROTOCOL_ERROR'];
const FULL: Outcome = ['HOST_OUT_OF_MEMORY'];
const LATE: Outcome = ['STEP_TIMED_OUT'];
const SILENT: Outcome = ['HOST_UNRESPONSIVE'];

const ATTACKS: Readonly<Record<string, Readonly<Record<string, Outcome>>>> = {
  'reaching out of the jail': {
    'socket-inet': EPERM,
    'socket-inet6': EPERM,
    'socket-unix': EPERM,
    'socket-netlink': EPERM,
    'socket-vsock': EPERM,
    'socket-by-ctypes': EPERM,
    'web-request': ['STEP_FAILED', /Operation not permitted/u],
    program: EPERM,
    spawn: EPERM,
    'fork-bomb': EPERM,
    'fork-by-ctypes': EPERM,
    trace: EPERM,
    'take-over-first-process': ['STEP_FAILED', /no more rights there/u],
    'new-namespace': EPERM,
    mount: EPERM,
    'kernel-program': EPERM,
    ring: EPERM,
    'page-faults': EPERM,
    keys: EPERM,
    'hidden-file': EPERM,
    root: ['STEP_FAILED', /Errno (1|22)\]/u],
    'lift-limits': ['STEP_FAILED', /ValueError: not allowed to raise maximum limit/u],
    'own-environment': ['STEP_FAILED', /no secret/u],
    'first-process-environment': ['STEP_FAILED', /no secret|PermissionError/u],
    accounts: ['STEP_FAILED', /FileNotFoundError/u],
    home: ['STEP_FAILED', /FileNotFoundError/u],
    'other-plugins': ['STEP_FAILED', /no other plugin/u],
    'machine-paths': ['STEP_FAILED', /no path of the machine/u],
    'outside-module': ['STEP_FAILED', /ModuleNotFoundError/u],
    'change-host': unchangeable(path.join(SDK, 'python/host.py')),
    'change-itself': UNWRITABLE,
    'change-library': unchangeable('/usr/lib'),
    'change-kernel': UNWRITABLE,
    'shared-memory': ['STEP_FAILED', /Errno 12\]/u],
    'fill-disk': ['STEP_FAILED', /Errno 28\]/u],
    'large-file': ['STEP_FAILED', /Errno 27\]/u],
    'many-files': ['STEP_FAILED', /Errno 24\]/u],
    'kill-first': NOTHING,
    'kill-all': ['STEP_FAILED', /ProcessLookupError/u],
    'kill-group': NOTHING,
  },
  'ending, blocking or filling its own host': {
    leave: CRASHED,
    abort: CRASHED,
    'kill-itself': CRASHED,
    'exit-step': ['STEP_FAILED', /SystemExit/u],
    'crash-interpreter': CRASHED,
    'deep-native-recursion': CRASHED,
    'deep-recursion': [/^(HOST_OUT_OF_MEMORY|HOST_CRASHED)$/u],
    'endless-recursion': ['STEP_FAILED', /RecursionError/u],
    memory: FULL,
    'memory-at-once': FULL,
    'memory-caught': [/^(STEP_TIMED_OUT|HOST_UNRESPONSIVE|HOST_OUT_OF_MEMORY)$/u],
    'memory-outside-the-heap': [/^(STEP_FAILED|HOST_OUT_OF_MEMORY)$/u],
    'pickle-bomb': FULL,
    'pickle-program': EPERM,
    // Unpacking to the limit may take longer than the step may, on a busy machine.
    'compression-bomb': [/^(HOST_OUT_OF_MEMORY|STEP_TIMED_OUT|HOST_UNRESPONSIVE)$/u],
    spin: [/^(STEP_TIMED_OUT|HOST_UNRESPONSIVE)$/u],
    'spin-without-letting-go': SILENT,
    'pattern-that-backtracks': SILENT,
    'wait-for-ever': LATE,
    'thread-bomb': [/^(STEP_FAILED|HOST_OUT_OF_MEMORY)$/u],
    'spinning-threads': [/^(STEP_TIMED_OUT|HOST_UNRESPONSIVE)$/u],
    'print-flood': NOTHING,
    'print-one-line': NOTHING,
    'log-flood': NOTHING,
    'replace-host': SILENT,
    'stop-main-thread': SILENT,
    'become-another-program': PROTOCOL,
  },
  'speaking to the hub past its host': {
    garbage: PROTOCOL,
    'not-json': PROTOCOL,
    'not-utf8': PROTOCOL,
    'huge-frame': PROTOCOL,
    // Its host's own end at the deadline may come before the hub's.
    'half-frame': [/^(HOST_UNRESPONSIVE|HOST_CRASHED)$/u],
    'deep-frame': PROTOCOL,
    'prototype-frame': PROTOCOL,
    'unknown-kind': PROTOCOL,
    'forged-reply': PROTOCOL,
    'forged-event': PROTOCOL,
    'call-within-nothing': PROTOCOL,
    'call-as-another-node': PROTOCOL,
    'unknown-capability-frame': PROTOCOL,
    'closed-channel': [/^(HOST_CRASHED|HOST_UNRESPONSIVE)$/u],
  },
  'abusing what may be asked': {
    'unknown-capability': ['CAPABILITY_UNAVAILABLE'],
    'ungranted-capability': ['CAPABILITY_DENIED'],
    // Behind its flood its signs of life wait too.
    // Its pipe is held back: whether it breaks the protocol, is silent or runs out of time is a matter of pace.
    'call-flood': [/^(HOST_(PROTOCOL_ERROR|UNRESPONSIVE|CRASHED)|STEP_TIMED_OUT)$/u],
    'symlinked-blob': ['BLOB_NOT_FOUND'],
    'linked-blob': ['STEP_FAILED', /Errno 18\]/u],
    'pipe-for-blob': ['BLOB_NOT_FOUND'],
    'folder-for-blob': ['BLOB_NOT_FOUND'],
    'blob-elsewhere': ['STEP_FAILED'],
    'large-blob': ['BLOB_TOO_LARGE'],
    'forged-handle': ['BLOB_NOT_FOUND'],
    'blob-of-another': [/^(STEP_OUTPUT_INVALID|BLOB_NOT_FOUND)$/u],
    'write-into-shared-blobs': READ_ONLY,
  },
  'giving what is not what it seems': {
    'wrong-output': ['STEP_OUTPUT_INVALID'],
    'undeclared-output': ['STEP_OUTPUT_INVALID'],
    'no-outputs': ['STEP_FAILED', /dict of its outputs/u],
    'large-output': [/^STEP_(FAILED|OUTPUT_INVALID)$/u],
    'endless-output': ['STEP_FAILED', /nested too deep/u],
    'deep-output': ['STEP_FAILED', /nested too deep/u],
    'prototype-output': ['STEP_FAILED', /__proto__/u],
    'endless-number': ['STEP_FAILED', /not a finite number/u],
    'large-number': ['STEP_FAILED', /does not carry whole/u],
    'odd-text-in-error': ['STEP_FAILED'],
    'error-that-cannot-be-read': ['STEP_FAILED', /cannot be read/u],
    'error-that-loops': [/^(STEP_TIMED_OUT|HOST_UNRESPONSIVE)$/u],
    'error-of-the-hub': ['STEP_FAILED', /I am the hub/u],
    'error-with-odd-data': [/^STEP_(FAILED|OUTPUT_INVALID)$/u],
    'base-exception': ['STEP_FAILED', /not an Exception/u],
    interrupt: ['STEP_FAILED', /KeyboardInterrupt/u],
  },
};

const folder = temporaryFolder('hostile-python');
let hub: Hub;

beforeAll(async () => {
  process.env['HUB_TEST_SECRET'] = 'HUB_TEST_SECRET';
  applyPolicy(folder.path, ['bench/*', 'hostile/*']);
  hub = await openHub({ folder: folder.path });
  await installBuiltIns(hub, ['core/flow']);
  for (const name of ['python-hostile', 'python-words']) await installFixture(hub, name);
  for (const plugin of [BAD, GOOD]) {
    hub.broker.request(plugin);
    hub.broker.approve({ plugin, by: 'test' });
  }
  await hub.pool.warm(GOOD);
}, 60_000);
afterAll(async () => {
  delete process.env['HUB_TEST_SECRET'];
  await hub[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

const pidOf = async (plugin: string): Promise<number | undefined> =>
  (await hub.pool.stats()).hosts.find((host) => host.plugin === plugin)?.pid;

/** An honest Python neighbour and core/flow, one run after the other for as long as `until` is pending. */
async function neighboursDuring(until: Promise<unknown>): Promise<number> {
  const flow = chainOf(2, (index) => ({ type: 'core/flow:set', config: { value: index } }));
  const words = { type: `${GOOD}:count`, config: {}, inputs: { text: 'one two three' } };
  const nodes = { ...flow.nodes, words };
  let over = false;
  void until.finally(() => (over = true));
  let done = 0;
  do {
    const { finished } = await hub.engine.start({ ...flow, nodes });
    expect(await finished).toMatchObject({ status: 'succeeded', error: null });
    done += 1;
  } while (!over);
  return done;
}

async function play(way: string, [code, says]: Outcome): Promise<void> {
  hub.pool.release(BAD);
  const neighbour = await pidOf(GOOD);
  const logged: string[] = [];
  using _listening = hub.bus.on((event) => {
    if (event.type === 'plugin.log') logged.push(event.text);
  });
  const { run, finished } = await hub.engine.start({
    format: 'runtime-hub/workflow@1',
    name: way,
    nodes: { attack: { type: `${BAD}:attack`, config: { way }, retry: ONCE } },
    edges: [],
  });
  const [outcome, runs] = await Promise.all([finished, neighboursDuring(finished)]);
  if (code instanceof RegExp) expect(outcome.error?.code).toMatch(code);
  else
    expect([outcome.error?.code ?? null, outcome.error?.message]).toEqual([
      code,
      code === null ? undefined : expect.any(String),
    ]);
  if (says !== undefined) expect(outcome.error?.message).toMatch(says);
  expect(outcome.status).toBe(code === null ? 'succeeded' : 'failed');
  expect(runs).toBeGreaterThan(0);
  expect(await pidOf(GOOD)).toBe(neighbour);
  expect(logged.length).toBeLessThan(400);
  expect(Math.max(0, ...logged.map((text) => text.length))).toBeLessThanOrEqual(8192);
  expect(logged.some((text) => text.includes('\u001b'))).toBe(false);
  expect(JSON.stringify(outcome)).not.toContain('HUB_TEST_SECRET=');
  expect(hub.store.runs.get(run)?.status).toBe(outcome.status);
}

for (const [kind, attacks] of Object.entries(ATTACKS)) {
  describe(kind, () => {
    // Threads and memory that one of these leaves in its process are no part of the next.
    if (kind.startsWith('ending')) beforeEach(async () => await hub.pool.stop(BAD));
    test.each(Object.entries(attacks))('%s: %j', { timeout: 60_000 }, play);
  });
}
