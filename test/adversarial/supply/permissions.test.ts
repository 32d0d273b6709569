import { pluginId, type Json } from '@runtime-hub/plugin-sdk/contract';
import type { Arena } from '../arena/arena.ts';
import type { AnyAttack, PluginAttack } from '../arena/attack.ts';
import { playAttacks } from '../arena/play.ts';
import { HONEST, put } from './releases.ts';

/** Two releases one after the other; the second is the attack. */
async function updateTo(arena: Arena, more: Partial<PluginAttack>): Promise<Json> {
  const { hub } = arena;
  const id = 'hostile/update';
  const asks = (capability: 'net.http' | 'state', target: string) =>
    ({ capability, target, reason: 'It says why.' }) as const;
  const first = [asks('net.http', 'api.example.com')];
  await put(arena, id, { ...HONEST, permissions: first });
  hub.broker.request(pluginId(id));
  hub.broker.approve({ plugin: pluginId(id), by: 'admin' });
  await put(arena, id, { ...HONEST, permissions: first, ...more });
  const ended = await arena.run(id);
  await arena.end(id);
  return ended.code ?? ended.out;
}

const asking = (capability: string, operation: string, args: Json): string =>
  `async ({ context }) => ({ out: await context.call(${JSON.stringify(capability)}, ${JSON.stringify(operation)}, ${JSON.stringify(args)}) })`;

playAttacks([
  {
    name: 'what a new version asks for is not granted by what the old one had',
    act: async (arena) =>
      await updateTo(arena, {
        permissions: [
          { capability: 'net.http', target: 'api.example.com', reason: 'It says why.' },
          { capability: 'net.http', target: 'evil.example.com', reason: 'It says why.' },
        ],
        code: asking('net.http', 'request', { method: 'GET', url: 'https://evil.example.com/' }),
      }),
    expect: { out: 'CAPABILITY_DENIED' },
  },
  {
    name: 'a new version that uses another capability without asking gets nothing',
    act: async (arena) =>
      await updateTo(arena, {
        code: asking('process.run', 'run', { program: '/bin/sh', args: ['-c', 'id'] }),
      }),
    expect: { out: 'CAPABILITY_DENIED' },
  },
  {
    name: 'a new version that widens a host to all below it gets nothing more',
    act: async (arena) =>
      await updateTo(arena, {
        permissions: [{ capability: 'net.http', target: '*.example.com', reason: 'It says why.' }],
        code: asking('net.http', 'request', { method: 'GET', url: 'https://evil.example.com/' }),
      }),
    expect: { out: 'CAPABILITY_DENIED' },
  },
  ...(
    [
      [
        'a request',
        'net.http',
        'request',
        { method: 'POST', url: 'https://evil.example.com/', body: 'x' },
      ],
      ['a file', 'fs.read', 'read', { path: '/etc/passwd', keep: 'text' }],
      [
        'a change of a file',
        'fs.write',
        'write',
        { path: '/etc/cron.d/x', content: 'x', mode: 'create' },
      ],
      ['a program', 'process.run', 'run', { program: '/bin/sh', args: ['-c', 'id'] }],
      ['the list of programs', 'process.list', 'list', {}],
      ['the end of a program', 'process.end', 'end', { pid: 1, program: '/sbin/init' }],
      ['the screen', 'screen.capture', 'capture', { area: {} }],
      ['remembered values', 'state', 'get', { key: 'k' }],
      ['the clock', 'clock', 'now', {}],
      ['chance', 'random', 'bytes', { count: 8 }],
    ] as const
  ).map(([what, capability, operation, args]): AnyAttack => ({
    name: `a plugin whose manifest asks for nothing gets nothing: ${what}`,
    runtime: 'isolate',
    code: asking(capability, operation, args),
    expect: 'CAPABILITY_DENIED',
  })),
  ...(
    [
      ['an operation nobody knows', 'net.http', 'listen', {}, 'CAPABILITY_DENIED'],
      ['an operation that is an object’s own', 'net.http', 'constructor', {}, 'CAPABILITY_DENIED'],
      ['an operation named __proto__', 'fs.read', '__proto__', {}, 'CAPABILITY_DENIED'],
      ['a secret by itself', 'secrets.use', 'read', { name: 'gmail' }, 'CAPABILITY_DENIED'],
      ['arguments with a field more', 'clock', 'now', { as: 'core/flow' }, 'STEP_INPUT_INVALID'],
      ['arguments of another type', 'random', 'bytes', { count: '8' }, 'STEP_INPUT_INVALID'],
      ['more chance than is given', 'random', 'bytes', { count: 1e9 }, 'STEP_INPUT_INVALID'],
      [
        'an address with a password',
        'net.http',
        'request',
        { method: 'GET', url: 'https://a:b@example.com/' },
        'STEP_INPUT_INVALID',
      ],
      [
        'an address that is a file',
        'net.http',
        'request',
        { method: 'GET', url: 'file:///etc/passwd' },
        'STEP_INPUT_INVALID',
      ],
      [
        'a header that splits a request',
        'net.http',
        'request',
        { method: 'GET', url: 'https://example.com/', headers: { 'x\r\nHost: evil': 'y' } },
        'STEP_INPUT_INVALID',
      ],
      [
        'a method that tunnels',
        'net.http',
        'request',
        { method: 'CONNECT', url: 'https://example.com/' },
        'STEP_INPUT_INVALID',
      ],
      [
        'a path that climbs',
        'fs.read',
        'read',
        { path: '/home/../etc/shadow', keep: 'text' },
        'STEP_INPUT_INVALID',
      ],
      [
        'a path with a NUL',
        'fs.read',
        'read',
        { path: '/etc/passwd\0.txt', keep: 'text' },
        'STEP_INPUT_INVALID',
      ],
      [
        'a path that is a pattern',
        'fs.read',
        'read',
        { path: '/home/**', keep: 'text' },
        'STEP_INPUT_INVALID',
      ],
      [
        'a program by its bare name',
        'process.run',
        'run',
        { program: 'sh', args: [] },
        'STEP_INPUT_INVALID',
      ],
      [
        'an environment that loads a library',
        'process.run',
        'run',
        { program: '/bin/true', args: [], env: { 'LD_PRELOAD=x': 'y' } },
        'STEP_INPUT_INVALID',
      ],
    ] as const
  ).map(([what, capability, operation, args, expect]): AnyAttack => ({
    name: `the gate refuses ${what}`,
    runtime: 'isolate',
    code: asking(capability, operation, args),
    expect,
  })),
]);
