import { defineNode, definePlugin, type PluginDefinition } from '@runtime-hub/plugin-sdk';
import { HubError, type Json } from '@runtime-hub/plugin-sdk/contract';
import * as Type from '@runtime-hub/plugin-sdk/schema';
import { fakeBroker, testNode, type World } from '@runtime-hub/plugin-sdk/testing';
import { expect, test } from 'vitest';

interface Ask {
  readonly capability: 'net.http' | 'fs.read' | 'fs.write' | 'process.run' | 'clock' | 'random';
  readonly operation: string;
  readonly args: Json;
}

/** A plugin whose one node makes the calls a test wants, and gives what came back. */
const pluginThat = (
  asks: readonly Ask[],
  permissions: PluginDefinition['permissions'],
): PluginDefinition =>
  definePlugin({
    id: 'acme/asker',
    version: '1.0.0',
    title: 'Asker',
    description: '',
    engine: '^1.0.0',
    runtime: 'isolate',
    permissions,
    nodes: [
      defineNode({
        type: 'ask',
        title: 'Ask',
        effect: 'external',
        config: Type.Object({}),
        outputs: { answers: Type.Array(Type.Unknown()) },
        async run({ context }) {
          const answers: unknown[] = [];
          for (const { capability, operation, args } of asks)
            answers.push(await context.call(capability, operation, args));
          return { answers };
        },
      }),
    ],
  });

const allow = (capability: Ask['capability'] | 'secrets.use' | 'state', target: string) => ({
  capability,
  target,
  reason: 'The test needs it.',
});

async function ask(
  asks: readonly Ask[],
  permissions: PluginDefinition['permissions'],
  world: World = {},
) {
  const plugin = pluginThat(asks, permissions);
  const broker = fakeBroker(plugin, world);
  const { outputs } = await testNode(plugin, 'ask', { broker });
  return { answers: outputs['answers'] as readonly Json[], broker };
}

const get = (url: string, more: object = {}): Ask => ({
  capability: 'net.http',
  operation: 'request',
  args: { method: 'GET', url, ...more } as Json,
});

test('a request is answered by the address that the test knows', async () => {
  const world = { http: { 'GET https://api.example.com/rate': { json: { rate: 2 } } } };
  const { answers, broker } = await ask(
    [get('https://api.example.com/rate')],
    [allow('net.http', 'api.example.com')],
    world,
  );
  expect(answers).toMatchObject([{ status: 200, text: '{"rate":2}', sizeBytes: 10 }]);
  expect(broker.calls).toEqual([get('https://api.example.com/rate')]);
});

test('an address that the test does not know is unreachable', async () => {
  const refused = ask([get('https://api.example.com/')], [allow('net.http', '*')]);
  await expect(refused).rejects.toMatchObject({ code: 'NET_UNREACHABLE' });
});

test.each([
  ['nothing is asked for', []],
  ['another host is', [allow('net.http', 'other.example.com')]],
  ['the domain below is', [allow('net.http', '*.api.example.com')]],
  ['it is without encryption', [allow('net.http', 'http://api.example.com')]],
])('a request is refused when %s', async (_why, permissions) => {
  const world = { http: { 'GET https://api.example.com/': { text: 'x' } } };
  const refused = ask([get('https://api.example.com/')], permissions, world);
  await expect(refused).rejects.toMatchObject({ code: 'CAPABILITY_DENIED' });
});

test('a secret needs its own permission and must be there; its value is nowhere', async () => {
  const url = 'https://api.example.com/';
  const asks = [
    get(url, { headers: { authorization: { $secret: 'api-key', prefix: 'Bearer ' } } }),
  ];
  const http = allow('net.http', 'api.example.com');
  const secret = allow('secrets.use', 'api-key@api.example.com');
  const world = { http: { [`GET ${url}`]: { text: 'ok' } }, secrets: ['api-key'] };
  await expect(ask(asks, [http], world)).rejects.toMatchObject({ code: 'CAPABILITY_DENIED' });
  const absent = ask(asks, [http, secret], { http: world.http });
  await expect(absent).rejects.toMatchObject({ code: 'SECRET_NOT_FOUND' });
  const { broker } = await ask(asks, [http, secret], world);
  expect(broker.calls).toMatchObject([
    { args: { headers: { authorization: { $secret: 'api-key' } } } },
  ]);
});

test('files are read, written, moved and removed as in a hub', async () => {
  const path = '~/notes/a.txt';
  const write = (args: object): Ask => ({
    capability: 'fs.write',
    operation: 'write',
    args: { path, ...args } as Json,
  });
  const asks: readonly Ask[] = [
    { capability: 'fs.read', operation: 'read', args: { path, keep: 'text' } },
    write({ content: ' two', mode: 'append' }),
    { capability: 'fs.write', operation: 'move', args: { path, to: '~/notes/b.txt' } },
    { capability: 'fs.read', operation: 'stat', args: { path } },
    { capability: 'fs.read', operation: 'list', args: { path: '~/notes' } },
  ];
  const permissions = [allow('fs.read', '~/notes/**'), allow('fs.write', '~/notes/*')];
  const { answers, broker } = await ask(asks, permissions, { files: { [path]: 'one' } });
  expect(answers).toMatchObject([{ text: 'one' }, {}, {}, null, { entries: [{ name: 'b.txt' }] }]);
  expect([...broker.files]).toEqual([['~/notes/b.txt', 'one two']]);
  const again = ask([write({ content: '', mode: 'create' })], permissions, {
    files: { [path]: '' },
  });
  await expect(again).rejects.toMatchObject({ code: 'FILE_EXISTS' });
  const elsewhere = ask(
    [{ capability: 'fs.read', operation: 'read', args: { path: '~/.ssh/id', keep: 'text' } }],
    permissions,
  );
  await expect(elsewhere).rejects.toMatchObject({ code: 'CAPABILITY_DENIED' });
});

test('a program is what the test says it is', async () => {
  const run: Ask = {
    capability: 'process.run',
    operation: 'run',
    args: { program: '/bin/date', args: ['-u'] },
  };
  const permissions = [allow('process.run', '/bin/date')];
  const world = {
    programs: { '/bin/date': (args: readonly string[]) => ({ stdout: args.join() }) },
  };
  expect((await ask([run], permissions, world)).answers).toMatchObject([
    { exitCode: 0, stdout: '-u' },
  ]);
  await expect(ask([run], permissions)).rejects.toMatchObject({ code: 'PROCESS_REFUSED' });
});

test('the clock stands where the test puts it', async () => {
  const now: Ask = { capability: 'clock', operation: 'now', args: {} };
  const { answers } = await ask([now], [allow('clock', '*')], { now: 1000 });
  expect(answers).toEqual([{ now: 1000 }]);
});

test('arguments and answers must fit the contract', async () => {
  const bad: Ask = {
    capability: 'net.http',
    operation: 'request',
    args: { url: 'https://a.example' },
  };
  await expect(ask([bad], [allow('net.http', '*')])).rejects.toMatchObject({
    code: 'STEP_INPUT_INVALID',
  });
  const unknown: Ask = { capability: 'clock', operation: 'turn-back', args: {} };
  await expect(ask([unknown], [allow('clock', '*')])).rejects.toMatchObject({
    code: 'CAPABILITY_DENIED',
  });
  const now: Ask = { capability: 'clock', operation: 'now', args: {} };
  const lie = ask([now], [allow('clock', '*')], { answers: { 'clock.now': { now: 'noon' } } });
  await expect(lie).rejects.toMatchObject({ code: 'STEP_OUTPUT_INVALID' });
});

test('an answer of the test may fail as the hub would', async () => {
  const world = {
    answers: {
      'clock.now': () => {
        throw new HubError('CAPABILITY_REVOKED', { plugin: 'acme/asker', need: 'clock:*' });
      },
    },
  };
  const now: Ask = { capability: 'clock', operation: 'now', args: {} };
  const refused = ask([now], [allow('clock', '*')], world);
  await expect(refused).rejects.toMatchObject({ code: 'CAPABILITY_REVOKED' });
});
