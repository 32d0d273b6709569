import { writeFileSync } from 'node:fs';
import type { ErrorCode } from '@runtime-hub/plugin-sdk/contract';
import { ask } from '../../kernel/capability/world.ts';
import { playFileAttacks, type FileAttack } from './siege.ts';

const ALL = { permissions: [ask('fs.read', '*'), ask('fs.write', '*')] };

/** Texts that are no path, or would be another than they seem; nothing is looked up. */
const TEXTS: Readonly<Record<string, string>> = {
  'two dots out of the home': '~/../outside/secret',
  'two dots in the middle': '~/a/../../outside/secret',
  'two dots at the end': '~/a/..',
  'one dot': '~/./a',
  'an empty part': '~//a',
  'a slash at the end': '~/a/',
  'a NUL character': '~/a\0.txt',
  'a line break': '~/a\nb',
  'a control character of the upper half': '~/a\u0085b',
  'a name of a Windows share': '\\\\server\\share\\secret',
  'a share with slashes': '//server/share/secret',
  'backslashes for slashes': '~/..\\..\\outside\\secret',
  'the home of another user': '~root/.profile',
  'a relative path': 'outside/secret',
  'a pattern for a path': '~/**',
  'a pattern of one folder': '~/*',
  'an address of a file': 'file:///etc/passwd',
  'nothing at all': '',
  'a path longer than may be': `~/${'a/'.repeat(600)}a`,
  'a letter of a Windows drive': 'C:/Windows/win.ini',
};

/** Looks like dots or slashes, and is a name like any other. */
const NAMES: Readonly<Record<string, string>> = {
  'full-width dots': '~/．．/outside/secret',
  'a two-dot leader': '~/‥/outside/secret',
  'one-dot leaders': '~/․․/outside/secret',
  'dots with an invisible character': '~/..\u200B/outside/secret',
  'a full-width slash': '~/..／outside／secret',
  'dots in percent form': '~/%2e%2e/outside/secret',
  'dots in overlong percent form': '~/%c0%ae%c0%ae/outside/secret',
  'three dots': '~/.../outside/secret',
  'a variable of the shell': '~/$HOME/outside/secret',
  'a command of the shell': '~/$(cat outside)/secret',
  'five hundred folders': `~/${'a/'.repeat(500)}a`,
};

const each = (
  texts: Readonly<Record<string, string>>,
  code: ErrorCode,
  how: string,
): readonly FileAttack[] =>
  Object.entries(texts).flatMap(([name, path]) => [
    { name: `${name} ${how}`, expect: code, options: ALL, act: async (it) => await it.read(path) },
  ]);

playFileAttacks([
  ...each(TEXTS, 'STEP_INPUT_INVALID', 'is no path, even for who may read everything'),
  ...each(NAMES, 'FILE_NOT_FOUND', 'names nothing'),
  {
    name: 'a name longer than a file system takes is refused',
    expect: 'FILE_REFUSED',
    act: async (it) => await it.read(`~/${'n'.repeat(300)}`),
  },
  {
    name: 'a name of other characters that are as many bytes too long is refused',
    expect: 'FILE_REFUSED',
    act: async (it) => await it.write(`~/${'🦊'.repeat(64)}`),
  },
  {
    name: 'the home under its other name is refused, even for who may read from the root',
    expect: 'FILE_REFUSED',
    options: { permissions: [ask('fs.read', '/**')] },
    saysHome: true,
    act: async (it) => {
      writeFileSync(it.at('a'), 'mine');
      return await it.read(it.at('a'));
    },
  },
  {
    name: 'the home under its other name needs more than a grant for the home',
    expect: 'CAPABILITY_DENIED',
    saysHome: true,
    act: async (it) => await it.read(it.at('a')),
  },
  {
    name: 'a path below a file is refused',
    expect: 'FILE_REFUSED',
    act: async (it) => {
      writeFileSync(it.at('a'), 'mine');
      return await it.read('~/a/secret');
    },
  },
  {
    name: 'the home itself cannot be removed',
    expect: 'FILE_REFUSED',
    act: async (it) => await it.call('fs.write', 'remove', { path: '~' }),
  },
  {
    name: 'the home itself cannot be moved',
    expect: 'FILE_REFUSED',
    act: async (it) => await it.call('fs.write', 'move', { path: '~', to: '~/a' }),
  },
  {
    name: 'the root itself cannot be replaced',
    expect: 'FILE_REFUSED',
    options: ALL,
    act: async (it) => await it.write('/'),
  },
  {
    name: 'the folder of homes cannot be moved from under the home',
    expect: 'FILE_REFUSED',
    options: ALL,
    act: async (it) =>
      await it.call('fs.write', 'move', { path: it.root, to: `${it.root}-elsewhere` }),
  },
  {
    name: 'a second argument besides the path is refused, as nobody checked it',
    expect: 'STEP_INPUT_INVALID',
    act: async (it) =>
      await it.call('fs.read', 'read', { path: '~/a', keep: 'text', to: it.outside }),
  },
  ...['constructor', '__proto__', 'toString', 'chmod', 'link', ''].map((operation): FileAttack => ({
    name: `the operation “${operation}” is none`,
    expect: 'CAPABILITY_DENIED',
    act: async (it) => await it.call('fs.write', operation, { path: '~/a' }),
  })),
]);
