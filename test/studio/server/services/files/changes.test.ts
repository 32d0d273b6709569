import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { pluginId, type JsonObject } from '@runtime-hub/plugin-sdk/contract';
import { expect, test } from 'vitest';
import { expectRefusal, fileStage } from './file-stage.ts';

interface Change extends JsonObject {
  readonly change: number;
  readonly names: readonly string[];
  readonly timedOut: boolean;
}
const LONG_MS = 60_000;

function setUp() {
  const stage = fileStage();
  mkdirSync(join(stage.home, 'f'));
  const put = (name: string): void => writeFileSync(join(stage.home, 'f', name), 'x');
  const wait = async (args: JsonObject, by = {}) =>
    await stage.call<Change>(
      'fs.read',
      'wait-for-change',
      { path: '~/f', after: 0, timeoutMs: LONG_MS, ...args },
      by,
    );
  /** The number from which on changes are seen. */
  const begin = async (args: JsonObject = {}, by = {}): Promise<number> =>
    (await wait({ timeoutMs: 1, ...args }, by)).change;
  return { ...stage, stage, put, wait, begin };
}

/** Resolves once the service holds a folder. */
async function pinned(folder: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const look = (): void => {
    if (readdirSync('/proc/self/fd').some((fd) => targetOf(fd) === folder)) resolve();
    else setImmediate(look);
  };
  look();
  await promise;
}

function targetOf(fd: string): string | null {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return null;
  }
}

test('a change in a folder is told with its names, also one between two waits', async () => {
  const { put, wait, begin } = setUp();
  const after = await begin();
  const waiting = wait({ after });
  put('b');
  const first = await waiting;
  expect(first).toMatchObject({ names: ['b'], timedOut: false });
  put('c');
  put('a');
  const seen = new Set<string>();
  for (let last = first.change; seen.size < 2;) {
    const { change, names } = await wait({ after: last });
    expect(change).toBeGreaterThan(last);
    for (const name of names) seen.add(name);
    last = change;
  }
  expect(seen).toEqual(new Set(['a', 'c']));
});

test('the number stays while nothing changes, and the wait ends at its time or with its step', async () => {
  const { wait, begin } = setUp();
  const after = await begin();
  expect(await wait({ after, timeoutMs: 5 })).toEqual({ change: after, names: [], timedOut: true });
  const stop = new AbortController();
  const waiting = wait({ after }, { signal: stop.signal });
  const reason = new Error('over');
  stop.abort(reason);
  await expect(waiting).rejects.toBe(reason);
});

test('of a file only its own changes are told, also when it is replaced', async () => {
  const { home, put, wait, begin } = setUp();
  put('mine');
  const path = '~/f/mine';
  const after = await begin({ path });
  const waiting = wait({ path, after });
  put('other');
  writeFileSync(join(home, 'fresh'), 'y');
  renameSync(join(home, 'fresh'), join(home, 'f/mine'));
  expect(await waiting).toMatchObject({ names: ['mine'], timedOut: false });
});

test('each plugin counts for itself, and a number of another watch counts as a change', async () => {
  const { wait, begin } = setUp();
  const after = await begin();
  const other = { plugin: pluginId('other/one') };
  for (const foreign of [after, 1, 2 ** 45]) {
    const missed = await wait({ after: foreign }, other);
    expect(missed).toMatchObject({ names: [], timedOut: false });
    expect(missed.change).toBeGreaterThan(foreign);
  }
  expect(await wait({ after, timeoutMs: 1 })).toMatchObject({ change: after, timedOut: true });
});

test('a folder that is replaced is watched anew, and what moved away tells no names', async () => {
  const { home, put, wait, begin } = setUp();
  const waiting = wait({ after: 0 });
  await pinned(join(home, 'f'));
  renameSync(join(home, 'f'), join(home, 'hidden'));
  let isTold = false;
  const told = waiting.finally(() => (isTold = true));
  while (!isTold) {
    writeFileSync(join(home, 'hidden/secret'), 'x');
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(await told).toMatchObject({ names: [], timedOut: false });
  mkdirSync(join(home, 'f'));
  const again = await begin();
  const next = wait({ after: again });
  put('new');
  expect(await next).toMatchObject({ names: ['new'] });
});

test('a folder of a file’s own number is told from its name, and its own change has none', async () => {
  const { home, put, wait, begin } = setUp();
  for (let number = 0; number < 64; number += 1) put(String(number));
  const after = await begin();
  chmodSync(join(home, 'f'), 0o700);
  expect(await wait({ after })).toMatchObject({ names: [], timedOut: false });
});

test('a folder made anew after one was removed is another, also when it gets its number', async () => {
  const { home, begin, wait, put } = setUp();
  const after = await begin();
  rmSync(join(home, 'f'), { recursive: true });
  mkdirSync(join(home, 'f'));
  const missed = await wait({ after });
  expect(missed.timedOut).toBe(false);
  const next = wait({ after: missed.change });
  put('new');
  for (let { names, change } = await next; !names.includes('new');)
    ({ names, change } = await wait({ after: change }));
});

test('a folder that is not there, or goes, is not found', async () => {
  const { stage, home, wait } = setUp();
  await expectRefusal(stage, wait({ path: '~/none' }), 'FILE_NOT_FOUND');
  rmSync(join(home, 'f'), { recursive: true });
  await expectRefusal(stage, wait({}), 'FILE_NOT_FOUND');
});

test('a plugin watches a bounded number of folders', async () => {
  const { stage, home, begin } = setUp();
  for (let index = 0; index <= 64; index += 1) mkdirSync(join(home, `g${String(index)}`));
  for (let index = 0; index < 64; index += 1) await begin({ path: `~/g${String(index)}` });
  await expectRefusal(stage, begin({ path: '~/g64' }), 'FILE_REFUSED');
  expect(await begin({ path: '~/g0' })).toBeGreaterThan(0);
  expect(await begin({ path: '~/g64' }, { plugin: pluginId('other/one') })).toBeGreaterThan(0);
});
