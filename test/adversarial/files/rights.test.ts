import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { pluginId, runId, type Json } from '@runtime-hub/plugin-sdk/contract';
import { expect } from 'vitest';
import { ask, caller } from '../../kernel/capability/world.ts';
import { serviceOf } from '../../studio/server/services/files/file-stage.ts';
import { playFileAttacks, type FileAttack, type Siege } from './siege.ts';

const { plugin } = caller;
const WRITES = { permissions: [ask('fs.write', '~/**'), ask('fs.read', '~/public/**')] };

/** A step of this or another plugin or run, as the broker passes it on once granted. */
async function undoAs(
  siege: Siege,
  by: Partial<Omit<typeof caller, 'run'>> & { readonly run?: typeof caller.run | null },
  args: { readonly path: string; readonly undo: Json },
): Promise<Json> {
  const { signal } = new AbortController();
  const use = { caller: { ...caller, ...by }, signal, permit: () => {} };
  return await serviceOf(siege.services, 'fs.write').call('undo', args, use);
}

const foreign = (
  name: string,
  act: (siege: Siege, undo: Json) => Promise<unknown>,
  refusal: FileAttack['expect'] = 'STEP_INPUT_INVALID',
): FileAttack => ({
  name,
  expect: refusal,
  act: async (it) => {
    const { undo } = await it.write('~/a', 'mine', 'create');
    const error = await act(it, undo ?? null).catch((thrown: unknown) => thrown);
    expect(readFileSync(it.at('a'), 'utf8')).toBe('mine');
    throw error;
  },
});

playFileAttacks([
  foreign(
    'a change of another plugin is not undone',
    async (it, undo) => await undoAs(it, { plugin: pluginId('other/one') }, { path: '~/a', undo }),
  ),
  foreign(
    'a change of another run is not undone',
    async (it, undo) => await undoAs(it, { run: runId('run-00000002') }, { path: '~/a', undo }),
  ),
  foreign(
    'a run of a name that is a path undoes nothing',
    async (it, undo) => await undoAs(it, { run: runId('../undo/run-0001') }, { path: '~/a', undo }),
  ),
  foreign(
    'a run of a name that is a path changes nothing',
    async (it) => {
      const use = { caller: { ...caller, run: runId('../../outside') }, permit: () => {} };
      const args = { path: '~/b', content: 'x', mode: 'create' };
      const { signal } = new AbortController();
      return await serviceOf(it.services, 'fs.write').call('write', args, { ...use, signal });
    },
    'FILE_REFUSED',
  ),
  foreign(
    'a trigger, which is in no run, undoes nothing',
    async (it, undo) => await undoAs(it, { run: null }, { path: '~/a', undo }),
    'FILE_REFUSED',
  ),
  foreign(
    'a change is not undone under another path',
    async (it, undo) => await it.call('fs.write', 'undo', { path: '~/b', undo }),
  ),
  foreign(
    'a change is not undone under a path that is not granted',
    async (it, undo) => await it.call('fs.write', 'undo', { path: '/etc/passwd', undo }),
    'CAPABILITY_DENIED',
  ),
  foreign(
    'an id that is a path is none',
    async (it) =>
      await it.call('fs.write', 'undo', { path: '~/a', undo: '../../../../etc/passwd' }),
  ),
  foreign(
    'an id that was guessed is none',
    async (it) => await it.call('fs.write', 'undo', { path: '~/a', undo: 'f'.repeat(32) }),
  ),
  foreign('after its run nothing is undone', async (it, undo) => {
    it.undo.release(caller.run);
    return await it.call('fs.write', 'undo', { path: '~/a', undo });
  }),
  {
    name: 'a change is not undone twice, over what came after',
    expect: 'STEP_INPUT_INVALID',
    act: async (it) => {
      const { undo } = await it.write('~/a', 'mine', 'create');
      await it.call('fs.write', 'undo', { path: '~/a', undo: undo ?? null });
      writeFileSync(it.at('a'), 'mine');
      return await it.call('fs.write', 'undo', { path: '~/a', undo: undo ?? null });
    },
  },
  {
    name: 'two undos of one change at once do it once',
    expect: { out: ['STEP_INPUT_INVALID', 'undone'] },
    act: async (it) => {
      writeFileSync(it.at('a'), 'old');
      const { undo } = await it.write('~/a', 'new');
      const once = async () =>
        await it.call('fs.write', 'undo', { path: '~/a', undo: undo ?? null }).then(
          () => 'undone',
          ({ code }: { readonly code: string }) => code,
        );
      return (await Promise.all([once(), once()])).toSorted();
    },
  },
  {
    name: 'who may write a file only does not read it by moving it to where it may read',
    expect: 'CAPABILITY_DENIED',
    options: WRITES,
    act: async (it) => {
      mkdirSync(it.at('public'));
      writeFileSync(it.at('private'), 'secret');
      return await it.call('fs.write', 'move', { path: '~/private', to: '~/public/a' });
    },
  },
  {
    name: 'who may write a file only does not read it',
    expect: 'CAPABILITY_DENIED',
    options: WRITES,
    act: async (it) => {
      writeFileSync(it.at('private'), 'secret');
      return await it.read('~/private');
    },
  },
  {
    name: 'who may write some files only does not write others through “to”',
    expect: 'CAPABILITY_DENIED',
    options: { permissions: [ask('fs.write', '~/mine/**'), ask('fs.read', '~/**')] },
    act: async (it) => {
      mkdirSync(it.at('mine'));
      writeFileSync(it.at('mine/a'), 'x');
      return await it.call('fs.write', 'move', { path: '~/mine/a', to: '~/.profile' });
    },
  },
  {
    name: 'what is denied is not reached by moving the folder that holds it',
    expect: 'CAPABILITY_DENIED',
    act: async (it) => {
      mkdirSync(it.at('f/private'), { recursive: true });
      it.broker.deny({ plugin, capability: 'fs.write', target: '~/f/private/**', by: 'test' });
      return await it.call('fs.write', 'move', { path: '~/f', to: '~/g' });
    },
  },
  {
    name: 'what must not be read is not reached by moving the folder that holds it',
    expect: 'CAPABILITY_DENIED',
    act: async (it) => {
      mkdirSync(it.at('f/private'), { recursive: true });
      it.broker.deny({ plugin, capability: 'fs.read', target: '~/f/private/**', by: 'test' });
      return await it.call('fs.write', 'move', { path: '~/f', to: '~/g' });
    },
  },
  {
    name: 'a folder is not put where what is in it would be denied',
    expect: 'CAPABILITY_DENIED',
    act: async (it) => {
      mkdirSync(it.at('f/start'), { recursive: true });
      it.broker.deny({ plugin, capability: 'fs.write', target: '~/g/start/**', by: 'test' });
      return await it.call('fs.write', 'move', { path: '~/f', to: '~/g' });
    },
  },
  {
    name: 'a right that was taken back brings nothing back either',
    expect: 'CAPABILITY_DENIED',
    act: async (it) => {
      const { undo } = await it.write('~/a', 'mine', 'create');
      it.broker.deny({ plugin, capability: 'fs.write', by: 'test' });
      const attempt = it.call('fs.write', 'undo', { path: '~/a', undo: undo ?? null });
      await attempt.catch(() => null);
      expect(existsSync(it.at('a'))).toBe(true);
      return await attempt;
    },
  },
  {
    name: 'who waits for a change is stopped at once when its right is taken back',
    expect: 'CAPABILITY_REVOKED',
    act: async (it) => {
      const args = { path: '~', after: 0, timeoutMs: 600_000 };
      const waiting = it.call('fs.read', 'wait-for-change', args);
      it.broker.revoke({ plugin, by: 'test' });
      return await waiting;
    },
  },
  {
    name: 'a number of a change that no file has is no way to stop the count',
    expect: { out: { timedOut: true } },
    act: async (it) => {
      const wait = async (after: number) =>
        await it.call('fs.read', 'wait-for-change', { path: '~', after, timeoutMs: 5 });
      const { change } = await wait(Number.MAX_SAFE_INTEGER);
      return await wait(Number(change));
    },
  },
]);
