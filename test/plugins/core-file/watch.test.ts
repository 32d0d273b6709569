import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HubError, type TriggerContext } from '@runtime-hub/plugin-sdk';
import type { Json, JsonObject } from '@runtime-hub/plugin-sdk/contract';
import { expect, test } from 'vitest';
import { fits } from '../../../plugins/core-file/name-pattern.ts';
import { watchTrigger } from '../../../plugins/core-file/nodes/watch.ts';
import { fileStage } from '../../studio/server/services/files/file-stage.ts';

type Event = Readonly<Record<string, unknown>>;

/** The trigger on the hub's real services; `refuse` may refuse a use. A pause is over at once. */
function setUp(refuse: (operation: string) => void = () => {}) {
  const stage = fileStage();
  const folder = join(stage.home, 'in');
  mkdirSync(folder);
  const put = (name: string, content = name): void => writeFileSync(join(folder, name), content);
  const stop = new AbortController();
  const [events, warnings]: [Event[], string[]] = [[], []];
  let woken = Promise.withResolvers<void>();
  let began = Promise.withResolvers<void>();
  const silent = (): void => {};
  const context: TriggerContext = {
    workflow: 'w',
    node: 'n',
    signal: stop.signal,
    log: { debug: silent, info: silent, warn: (text) => void warnings.push(text), error: silent },
    async call(capability, operation, args): Promise<Json> {
      refuse(operation);
      // SAFETY: the trigger uses nothing but fs.read.
      const name = capability as 'fs.read';
      const by = { run: null, signal: stop.signal };
      // The second wait is the first that waits: what is there has been looked at.
      if (operation === 'wait-for-change' && !isFirst(args)) began.resolve();
      return await stage.call<Json>(name, operation, args, by);
    },
    state: {
      get: async () => await Promise.resolve(null),
      set: async () => await Promise.resolve(),
      replace: async () => await Promise.resolve({ replaced: true, before: null }),
    },
    blobs: { read: unused, write: unused },
    sleep: async () => await new Promise((resolve) => setImmediate(resolve)),
  };
  const start = async (config: JsonObject = {}): Promise<void> => {
    const emit = async (event: Event): Promise<void> => {
      events.push(event);
      woken.resolve();
      woken = Promise.withResolvers();
      return await Promise.resolve();
    };
    const trigger = { config: { path: '~/in', settleMs: 40, ...config }, context, emit };
    const listening = watchTrigger.listen(trigger);
    await Promise.race([began.promise, listening]);
    began = Promise.withResolvers();
    end = async () => {
      const reason = new Error('the end');
      stop.abort(reason);
      // It ends by itself between two calls, or with the call it is in.
      expect(await listening.catch((error: unknown) => error)).toSatisfy(
        (it) => it === undefined || it === reason,
      );
    };
  };
  let end = async (): Promise<void> => await Promise.resolve();
  /** The names of all events once there are so many names. */
  const names = async (count: number): Promise<readonly unknown[]> => {
    const all = () => events.flatMap((it) => it['names']);
    while (all().length < count) await woken.promise;
    return all();
  };
  return { ...stage, folder, put, start, end: async () => await end(), names, events, warnings };
}

const unused = async (): Promise<never> => await Promise.reject(new Error('not used'));
const isFirst = (args: Json): boolean =>
  typeof args === 'object' && args !== null && 'after' in args && args['after'] === 0;

test('new and changed files start a run with their names and paths, once they rest', async () => {
  const { put, start, end, names, events } = setUp();
  put('old');
  await start();
  put('b');
  put('a');
  expect(await names(2)).toEqual(['a', 'b']);
  put('old', 'changed');
  expect(await names(3)).toEqual(['a', 'b', 'old']);
  expect(events.at(-1)).toEqual({ names: ['old'], paths: ['~/in/old'] });
  await end();
});

test('only files of the pattern count, no folders, links’ targets or files in writing', async () => {
  const { folder, put, start, end, names } = setUp();
  await start({ names: '*.csv' });
  mkdirSync(join(folder, 'folder.csv'));
  put('a.txt');
  put(`.hub-${'0'.repeat(24)}.tmp`);
  put('a.csv');
  expect(await names(1)).toEqual(['a.csv']);
  await end();
});

test('what is there at the start counts when asked for', async () => {
  const { put, start, end, names } = setUp();
  put('a');
  await start({ atStart: true });
  put('b');
  expect(await names(2)).toEqual(['a', 'b']);
  await end();
});

test('it goes on after its rate was used up, and misses nothing', async () => {
  let refusals = 0;
  const refuse = (operation: string): void => {
    if (operation !== 'list' || refusals === 3) return;
    refusals += 1;
    const data = { plugin: 'core/file', need: 'fs.read:~/in', ratePerSecond: 1 };
    throw new HubError('CAPABILITY_RATE_EXCEEDED', data);
  };
  const { put, start, end, names } = setUp(refuse);
  await start();
  put('a');
  expect(await names(1)).toEqual(['a']);
  expect(refusals).toBe(3);
  await end();
});

test('it goes on when its folder goes and comes back', async () => {
  const { home, folder, put, start, end, names } = setUp();
  put('old');
  await start();
  rmSync(folder, { recursive: true });
  mkdirSync(join(home, 'fresh'));
  writeFileSync(join(home, 'fresh/new'), 'x');
  renameSync(join(home, 'fresh'), folder);
  expect(await names(1)).toEqual(['new']);
  put('later');
  expect(await names(2)).toEqual(['new', 'later']);
  await end();
});

test('a folder that is not there at the start is an error, and another error ends it', async () => {
  const { start } = setUp();
  await expect(start({ path: '~/none' })).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
  const revoked = setUp((operation) => {
    if (operation === 'list')
      throw new HubError('CAPABILITY_REVOKED', { plugin: 'core/file', need: 'fs.read' });
  });
  await expect(revoked.start()).rejects.toMatchObject({ code: 'CAPABILITY_REVOKED' });
});

test('patterns fit whole names, in time that does not explode', () => {
  expect(['*', 'a*', '*z', 'a*z', 'a*m*z', 'amz', '**'].map((it) => fits('amz', it))).toEqual(
    Array.from({ length: 7 }, () => true),
  );
  expect(['', 'am', 'a*a', '*mz*mz', 'amz*z', 'AMZ'].map((it) => fits('amz', it))).toEqual(
    Array.from({ length: 6 }, () => false),
  );
  expect(fits('a'.repeat(255), `${'*a'.repeat(127)}b`)).toBe(false);
});
