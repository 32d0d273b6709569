import {
  appendFileSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { pluginId, reportOf } from '@runtime-hub/plugin-sdk/contract';
import { expect } from 'vitest';
import { fileStage, serviceOf } from '../../studio/server/services/files/file-stage.ts';
import { caller } from '../../kernel/capability/world.ts';
import { playFileAttacks, type FileAttack, type Siege } from './siege.ts';

const ROUNDS = 60;
const MOST_SWAPS = 20_000;

const turn = async (): Promise<void> => await new Promise((resolve) => setImmediate(resolve));

/** Does `swap` in each turn of the event loop, so between the steps of `work`, until that is over. */
async function whileSwapping<T>(swap: (count: number) => void, work: Promise<T>): Promise<T> {
  let isOver = false;
  const worked = work.finally(() => (isOver = true));
  // Seen at the end; not unhandled before.
  worked.catch(() => {});
  for (let count = 0; !isOver && count < MOST_SWAPS; count += 1) {
    swap(count);
    await turn();
  }
  return await worked;
}

/** The outcomes of many tries, each once: codes, or what `told` says of an answer. */
async function outcomes(
  attempt: () => Promise<unknown>,
  told: (answer: unknown) => string,
): Promise<readonly string[]> {
  const seen = new Set<string>();
  for (let round = 0; round < ROUNDS; round += 1)
    seen.add(await attempt().then(told, (error: unknown) => reportOf(error).code));
  return [...seen].toSorted();
}

/** Puts one of two things under a name, by turns. */
const swapper =
  (name: string, other: string, aside: string) =>
  (count: number): void => {
    if (count % 2 === 0) {
      renameSync(name, aside);
      renameSync(other, name);
    } else {
      renameSync(name, other);
      renameSync(aside, name);
    }
  };

/** A folder and a link out under one name, by turns. */
function swappedFolder({ at, outside }: Siege): (count: number) => void {
  mkdirSync(at('f'));
  writeFileSync(at('f/secret'), 'mine');
  symlinkSync(outside, at('link'));
  return swapper(at('f'), at('link'), at('aside'));
}

const REFUSALS = ['FILE_NOT_FOUND', 'FILE_REFUSED'];

/** Each outcome is among `allowed`. */
const race = (
  name: string,
  allowed: readonly string[],
  act: (siege: Siege) => Promise<readonly string[]>,
): FileAttack => ({
  name,
  expect: { out: [] },
  act: async (it) => (await act(it)).filter((outcome) => !allowed.includes(outcome)),
});

playFileAttacks([
  race(
    'a folder swapped for a link while it is walked leads nobody out',
    [...REFUSALS, 'mine'],
    async (it) =>
      await whileSwapping(
        swappedFolder(it),
        outcomes(
          async () => await it.read('~/f/secret'),
          (answer) => String((answer as { readonly text?: string }).text),
        ),
      ),
  ),
  race(
    'a file swapped for a link while it is opened is read or refused',
    [...REFUSALS, 'mine'],
    async (it) => {
      writeFileSync(it.at('a'), 'mine');
      symlinkSync(join(it.outside, 'secret'), it.at('link'));
      return await whileSwapping(
        swapper(it.at('a'), it.at('link'), it.at('aside')),
        outcomes(
          async () => await it.read('~/a'),
          (answer) => String((answer as { readonly text?: string }).text),
        ),
      );
    },
  ),
  race(
    'a folder swapped for a link while a file is written in it leaves the outside alone',
    [...REFUSALS, 'written'],
    async (it) =>
      await whileSwapping(
        swappedFolder(it),
        outcomes(
          async () => await it.write('~/f/new'),
          () => 'written',
        ),
      ),
  ),
  race(
    'a folder swapped for a link while a file is removed removes nothing outside',
    [...REFUSALS, 'removed'],
    async (it) => {
      const swap = swappedFolder(it);
      return await whileSwapping(
        swap,
        outcomes(
          async () => await it.call('fs.write', 'remove', { path: '~/f/secret' }),
          () => 'removed',
        ),
      );
    },
  ),
  race(
    'a file swapped for a link while it is replaced keeps the link’s file',
    [...REFUSALS, 'FILE_EXISTS', 'written'],
    async (it) => {
      writeFileSync(it.at('a'), 'mine');
      symlinkSync(join(it.outside, 'secret'), it.at('link'));
      const swap = (count: number): void => {
        // What was written may have taken the place of either.
        try {
          swapper(it.at('a'), it.at('link'), it.at('aside'))(count);
        } catch {
          if (!readdirSync(it.home).includes('link'))
            symlinkSync(join(it.outside, 'secret'), it.at('link'));
          writeFileSync(it.at('aside'), 'mine');
        }
      };
      return await whileSwapping(
        swap,
        outcomes(
          async () => await it.write('~/a'),
          () => 'written',
        ),
      );
    },
  ),
  race(
    'a folder swapped for another while it is listed is one or the other',
    [...REFUSALS, 'secret', 'mine', ''],
    async (it) => {
      const swap = swappedFolder(it);
      renameSync(it.at('f/secret'), it.at('f/mine'));
      return await whileSwapping(
        swap,
        outcomes(
          async () => await it.call('fs.read', 'list', { path: '~/f' }),
          (answer) =>
            (answer as { readonly entries: readonly { readonly name: string }[] }).entries
              .map(({ name }) => (name === 'secret' ? 'OUTSIDE' : name))
              .join(),
        ),
      );
    },
  ),
  {
    name: 'a file that grows while it is read is what it was at first, or refused',
    expect: { out: [] },
    act: async (it) => {
      const sizes = new Set<unknown>();
      const grow = (): void => appendFileSync(it.at('a'), 'x'.repeat(1000));
      for (let round = 0; round < 10; round += 1) {
        writeFileSync(it.at('a'), Buffer.alloc(900_000));
        const args = { path: '~/a', keep: 'blob', maxBytes: 910_000 };
        const reading = it.call('fs.read', 'read', args).then(
          ({ sizeBytes }) => Number(sizeBytes) <= 910_000,
          (error: unknown) => reportOf(error).code,
        );
        sizes.add(await whileSwapping(grow, reading));
      }
      return [...sizes].filter((seen) => seen !== true && seen !== 'FILE_TOO_LARGE');
    },
  },
  {
    name: 'a file cut while it is read is what was left of it',
    expect: { out: true },
    act: async (it) => {
      const cut = (count: number): void => truncateSync(it.at('a'), 900_000 >> Math.min(count, 19));
      for (let round = 0; round < 10; round += 1) {
        writeFileSync(it.at('a'), Buffer.alloc(900_000));
        const reading = it.call('fs.read', 'read', { path: '~/a', keep: 'blob' });
        const { sizeBytes } = await whileSwapping(cut, reading);
        expect(sizeBytes).toBeLessThanOrEqual(900_000);
      }
      return true;
    },
  },
  {
    name: 'of twenty that create one file at once one succeeds',
    expect: { out: [1, 19] },
    act: async (it) => {
      const tries = Array.from(
        { length: 20 },
        async (_, index) =>
          await it.write('~/a', String(index), 'create').then(
            () => 'created',
            (error: unknown) => reportOf(error).code,
          ),
      );
      const done = await Promise.all(tries);
      return ['created', 'FILE_EXISTS'].map((what) => done.filter((it) => it === what).length);
    },
  },
  {
    name: 'what two plugins append at once is all there',
    expect: { out: 40 },
    act: async (it) => {
      const service = serviceOf(it.services, 'fs.write');
      const append = async (plugin: string) => {
        const use = { caller: { ...caller, plugin: pluginId(plugin) }, permit: () => {} };
        const { signal } = new AbortController();
        const args = { path: '~/a', content: 'x', mode: 'append' };
        return await service.call('write', args, { ...use, signal });
      };
      await Promise.all(
        Array.from(
          { length: 40 },
          async (_, index) => await append(index % 2 === 0 ? 'one/plugin' : 'other/plugin'),
        ),
      );
      return readFileSync(it.at('a'), 'utf8').length;
    },
  },
  {
    name: 'what another program appends meanwhile is kept, or the write is refused',
    expect: { out: true },
    act: async (it) => {
      writeFileSync(it.at('a'), '');
      let [theirs, ours] = [0, 0];
      for (let round = 0; round < 10; round += 1) {
        const append = (): void => {
          // A pause between two, so that the hub gets its turn.
          if ((theirs += 1) % 8 === 0) appendFileSync(it.at('a'), 't');
        };
        await whileSwapping(append, it.write('~/a', 'o', 'append')).then(
          () => (ours += 1),
          (error: unknown) => expect(reportOf(error).code).toBe('FILE_REFUSED'),
        );
      }
      const text = readFileSync(it.at('a'), 'utf8');
      expect(text.replaceAll('t', '')).toBe('o'.repeat(ours));
      return text.replaceAll('o', '').length === Math.floor(theirs / 8);
    },
  },
  {
    name: 'a hundred large reads of one plugin are never more than two at once',
    expect: { out: 2 },
    act: async () => {
      let [now, most] = [0, 0];
      const two = Promise.withResolvers<void>();
      const stage = fileStage({
        onKeep: async () => {
          now += 1;
          most = Math.max(most, now);
          if (now === 2) two.resolve();
          await two.promise;
          await turn();
          now -= 1;
        },
      });
      writeFileSync(join(stage.home, 'a'), 'x');
      const service = serviceOf(stage.services, 'fs.read');
      const { signal } = new AbortController();
      await Promise.all(
        Array.from(
          { length: 100 },
          async () =>
            await service.call(
              'read',
              { path: '~/a', keep: 'blob' },
              { caller, signal, permit: () => {} },
            ),
        ),
      );
      return most;
    },
  },
]);
