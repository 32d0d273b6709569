import {
  linkSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { playFileAttacks, type FileAttack, type Siege } from './siege.ts';

/** A home in which every kind of link leads out. */
function plant({ at, outside }: Siege): void {
  mkdirSync(at('f/deep'), { recursive: true });
  symlinkSync(join(outside, 'secret'), at('file'));
  symlinkSync(outside, at('folder'));
  symlinkSync(outside, at('f/folder'));
  symlinkSync('../../outside/secret', at('f/relative'));
  symlinkSync('loop', at('loop'));
  symlinkSync('file', at('chain'));
  symlinkSync(join(outside, 'new'), at('dangling'));
  symlinkSync('/proc/self/environ', at('environ'));
  symlinkSync('/proc/self/cwd', at('cwd'));
  symlinkSync('f', at('inside'));
  writeFileSync(at('mine'), 'mine');
}

const planted = (
  name: string,
  act: FileAttack['act'],
  expect: FileAttack['expect'] = 'FILE_REFUSED',
): FileAttack => ({
  name,
  expect,
  act: async (it) => {
    plant(it);
    return await act(it);
  },
});

const reads: Readonly<Record<string, string>> = {
  'as the last part': '~/file',
  'as the first part': '~/folder/secret',
  'in the middle': '~/f/folder/secret',
  'that is relative': '~/f/relative',
  'that leads to itself': '~/loop',
  'that leads to a link': '~/chain',
  'to the environment of the hub': '~/environ',
  'to the folder the hub runs in': '~/cwd/package.json',
  'that stays in the home': '~/inside/deep',
};

const undone = (
  name: string,
  swap: (it: Siege) => void,
  expect: FileAttack['expect'],
): FileAttack => ({
  name,
  expect,
  act: async (it) => {
    mkdirSync(it.at('f'));
    writeFileSync(it.at('f/a'), 'old');
    const { undo } = await it.write('~/f/a', 'new');
    swap(it);
    return await it.call('fs.write', 'undo', { path: '~/f/a', undo: undo ?? null });
  },
});

playFileAttacks([
  ...Object.entries(reads).map(([name, path]) =>
    planted(`a link ${name} is not read through`, async (it) => await it.read(path, 'blob')),
  ),
  planted(
    'a linked folder is not listed',
    async (it) => await it.call('fs.read', 'list', { path: '~/folder' }),
  ),
  planted(
    'a folder below a linked one is not listed',
    async (it) => await it.call('fs.read', 'list', { path: '~/inside/deep' }),
  ),
  planted(
    'what is behind a linked folder is not told',
    async (it) => await it.call('fs.read', 'stat', { path: '~/folder/secret' }),
  ),
  planted(
    'of a link itself nothing is told but that it is one',
    async (it) => (await it.call('fs.read', 'stat', { path: '~/file' }))['kind'],
    { out: 'link' },
  ),
  planted(
    'a linked folder is not watched',
    async (it) =>
      await it.call('fs.read', 'wait-for-change', { path: '~/folder', after: 0, timeoutMs: 1 }),
  ),
  ...['create', 'replace', 'append'].flatMap((mode) => [
    planted(
      `“${mode}” does not write through a link`,
      async (it) => await it.write('~/file', 'x', mode),
    ),
    planted(
      `“${mode}” does not write to where a link leads to nothing`,
      async (it) => await it.write('~/dangling', 'x', mode),
    ),
    planted(
      `“${mode}” does not write into a linked folder`,
      async (it) => await it.write('~/f/folder/new', 'x', mode),
    ),
  ]),
  planted(
    'a link is not removed',
    async (it) => await it.call('fs.write', 'remove', { path: '~/file' }),
  ),
  planted(
    'nothing is removed behind a link',
    async (it) => await it.call('fs.write', 'remove', { path: '~/folder/secret' }),
  ),
  planted(
    'no folder is made behind a link',
    async (it) => await it.call('fs.write', 'make-folder', { path: '~/folder/new' }),
  ),
  planted(
    'a link is not moved',
    async (it) => await it.call('fs.write', 'move', { path: '~/file', to: '~/b' }),
  ),
  planted(
    'nothing is moved out through a link',
    async (it) => await it.call('fs.write', 'move', { path: '~/mine', to: '~/folder/mine' }),
  ),
  planted(
    'nothing is moved in through a link',
    async (it) => await it.call('fs.write', 'move', { path: '~/folder/secret', to: '~/b' }),
  ),
  planted(
    'nothing is moved onto a link',
    async (it) => await it.call('fs.write', 'move', { path: '~/mine', to: '~/dangling' }),
    'FILE_EXISTS',
  ),
  undone(
    'a file that became a link is not undone through it',
    (it) => {
      rmSync(it.at('f/a'));
      symlinkSync(join(it.outside, 'secret'), it.at('f/a'));
    },
    'FILE_CHANGED',
  ),
  undone(
    'a folder that became a link is not undone through',
    (it) => {
      rmSync(it.at('f'), { recursive: true });
      symlinkSync(it.outside, it.at('f'));
    },
    'FILE_REFUSED',
  ),
  ...['replace', 'append'].map((mode): FileAttack => ({
    name: `“${mode}” under one of two hard links leaves the file of the other alone`,
    expect: { out: [1, 1] },
    act: async (it) => {
      linkSync(join(it.outside, 'secret'), it.at('hard'));
      await it.write('~/hard', 'other', mode);
      rmSync(it.at('hard.copy'), { force: true });
      return [it.at('hard'), join(it.outside, 'secret')].map((path) => statSync(path).nlink);
    },
  })),
  {
    name: 'a hard link is removed by its own name only',
    expect: { out: 1 },
    act: async (it) => {
      linkSync(join(it.outside, 'secret'), it.at('hard'));
      await it.call('fs.write', 'remove', { path: '~/hard' });
      return statSync(join(it.outside, 'secret')).nlink;
    },
  },
  {
    name: 'a link put where a name in writing might be is not followed',
    expect: { out: 'x' },
    act: async (it) => {
      for (let number = 0; number < 50; number += 1)
        symlinkSync(
          join(it.outside, 'secret'),
          it.at(`.hub-${String(number).padStart(24, '0')}.tmp`),
        );
      await it.write('~/a');
      return readFileSync(it.at('a'), 'utf8');
    },
  },
]);
