import { createServer, type RequestListener } from 'node:http';
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeAuthor, startRegistry, type RunningRegistry } from './author.ts';

const opened = new AsyncDisposableStack();
const author = opened.use(makeAuthor());
let registry: RunningRegistry;
const year = String(new Date().getUTCFullYear());
const inHello = { in: 'hello' };

beforeAll(async () => {
  registry = opened.use(await startRegistry());
  await author.json(['new', 'hello', '--id', 'acme/hello']);
}, 60_000);
afterAll(async () => await opened.disposeAsync());

/** Raises the version as an author does. */
const setVersion = (version: string): void =>
  author.edit('hello/plugin.ts', (it) => it.replace(/version: '[^']+'/u, `version: '${version}'`));

/** A server that is no registry, at an address of this machine. */
async function serve(
  listener: RequestListener,
): Promise<{ readonly url: string } & AsyncDisposable> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${String(port)}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

test('without a token nothing is sent', async () => {
  const args = ['publish', '--registry', registry.url];
  expect((await author.refusal(args, inHello)).code).toBe('TOKEN_MISSING');
});

test('a stranger gets from an empty folder to a published plugin with four commands', async () => {
  const login = await author.json(['login', registry.url], { input: `${registry.adminToken}\n` });
  expect(login).toMatchObject({ role: 'admin' });
  const claimed = await author.json(['namespaces', 'claim', 'acme']);
  expect(claimed).toMatchObject({ namespace: 'acme', key: `acme-${year}` });
  const receipt = await author.json(['publish'], inHello);
  expect(receipt).toMatchObject({
    id: 'acme/hello',
    version: '1.0.0',
    state: 'active',
    findings: [],
  });
}, 60_000);

test('the file of tokens is for its owner only, and no output tells one', async () => {
  const file = join(author.keys, 'logins');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const tokens = readFileSync(file, 'utf8').match(/hubr_[\w-]+/gu) ?? [];
  expect(tokens).toHaveLength(2);
  const { out, err } = await author.run(['namespaces', 'show', 'acme']);
  expect(out).toContain(`acme-${year}`);
  for (const token of tokens) expect(out + err).not.toContain(token);
});

test('publishing the same again changes nothing and is no error', async () => {
  expect(await author.json(['publish'], inHello)).toMatchObject({
    version: '1.0.0',
    state: 'active',
  });
}, 60_000);

test('other bytes under the same version are refused before anything is sent', async () => {
  author.edit('hello/README.md', (it) => `${it}\nMore.\n`);
  expect(await author.refusal(['publish'], inHello)).toEqual({
    code: 'PUBLISH_RULES_BROKEN',
    exit: 1,
  });
}, 60_000);

test('what would break the users of the version before is refused', async () => {
  setVersion('1.0.1');
  author.edit('hello/plugin.ts', (it) => it.replace("type: 'greet'", "type: 'welcome'"));
  const { err } = await author.run(['publish'], inHello);
  expect(err).toContain('the node greet is gone; it seems to be welcome now');
  expect((await author.refusal(['publish'], inHello)).code).toBe('PUBLISH_RULES_BROKEN');
  author.edit('hello/plugin.ts', (it) => it.replace("type: 'welcome'", "type: 'greet'"));
}, 60_000);

test('a dry run sends nothing', async () => {
  expect(await author.json(['publish', '--dry-run'], inHello)).toMatchObject({ version: '1.0.1' });
  const shown = await author.run(['state', 'acme/hello@1.0.1', 'yank', '--reason', 'x', '--json']);
  expect(JSON.parse(shown.err)).toMatchObject({ code: 'REGISTRY_NOT_FOUND' });
}, 60_000);

test('a key is rotated by the recovery key, and the old one signs no more', async () => {
  const { hint: recovery } = await author.json(['keys', 'new', 'acme', '--recovery']);
  await author.json(['namespaces', 'add-key', 'acme', '--key', String(recovery)]);
  const { hint: fresh } = await author.json(['keys', 'new', 'acme']);
  await author.json(['namespaces', 'add-key', 'acme', '--key', String(fresh)]);
  await author.json([
    'namespaces',
    'revoke-key',
    'acme',
    '--key',
    `acme-${year}`,
    '--reason',
    'rotation',
  ]);
  const old = await author.refusal(['publish', '--key', `acme-${year}`], inHello);
  expect(old).toEqual({ code: 'PUBLISHER_UNTRUSTED', exit: 1 });
  expect(await author.json(['publish', '--key', String(fresh)], inHello)).toMatchObject({
    version: '1.0.1',
  });
}, 90_000);

test('somebody else’s registry grants a namespace; its author adds the key', async () => {
  using guest = makeAuthor();
  const file = join(author.folder, 'globex.token');
  await author.json(['namespaces', 'grant', 'globex', '--private', '--token-out', file]);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  await guest.json(['login', registry.url, '--namespace', 'globex', '--token-file', file]);
  const { hint } = await guest.json(['keys', 'new', 'globex']);
  await guest.json(['namespaces', 'add-key', 'globex', '--key', String(hint)]);
  await guest.json(['new', 'tool', '--template', 'python']);
  const receipt = await guest.json(['publish'], { in: 'tool' });
  expect(receipt).toMatchObject({ id: 'globex/tool', state: 'active' });
  // With a token of one namespace, only its own keys count.
  const token = readFileSync(file, 'utf8').trim();
  const env = { HUB_TOKEN: token, HUB_REGISTRY: registry.url };
  setVersion('1.0.2');
  const refused = await author.refusal(['publish'], { ...inHello, env });
  expect(refused.code).toBe('PUBLISHER_UNTRUSTED');
}, 90_000);

test('a version is deprecated, yanked and revoked, each with its reason', async () => {
  for (const [act, state] of [
    ['deprecate', 'deprecated'],
    ['yank', 'yanked'],
    ['revoke', 'revoked'],
  ] as const) {
    const args = ['state', 'acme/hello@1.0.1', act, '--reason', 'It was wrong.'];
    expect(await author.json(args)).toMatchObject({ version: '1.0.1', state });
  }
  expect((await author.refusal(['state', 'acme/hello@1.0.1', 'revoke'])).code).toBe(
    'HUB_REQUEST_INVALID',
  );
}, 60_000);

test('a token that the registry does not know is refused and not kept', async () => {
  const input = 'hubr_thisTokenIsOfNobodyAndLongEnough';
  expect((await author.refusal(['login', registry.url], { input })).code).toBe('TOKEN_INVALID');
  expect(readFileSync(join(author.keys, 'logins'), 'utf8')).not.toContain(input);
  expect((await author.refusal(['login', registry.url], { input: 'two words' })).code).toBe(
    'TOKEN_INVALID',
  );
});

test.each([
  'http://registry.example.com',
  'ftp://127.0.0.1',
  'https://user:password@registry.example.com',
  'http://127.0.0.1.evil.example',
  'http://localhost.evil.example',
  'nonsense',
])('%s gets no token', async (url) => {
  const env = { HUB_TOKEN: registry.adminToken };
  const refused = await author.refusal(['publish', '--registry', url], { ...inHello, env });
  expect(refused).toEqual({ code: 'HUB_REQUEST_INVALID', exit: 2 });
});

test('a registry that is down is told so in about a second', async () => {
  await using silent = await serve(() => undefined);
  for (const url of ['http://127.0.0.1:1', silent.url]) {
    const started = performance.now();
    const refused = await author.refusal(['login', url], { input: registry.adminToken });
    expect(refused).toEqual({ code: 'REGISTRY_UNREACHABLE', exit: 1 });
    expect(performance.now() - started).toBeLessThan(10_000);
  }
}, 60_000);

test('a token follows no redirect', async () => {
  const seen: (string | undefined)[] = [];
  await using thief = await serve((request, response) => {
    seen.push(request.headers.authorization);
    response.end('{}');
  });
  await using gate = await serve((_request, response) => {
    response.writeHead(307, { location: `${thief.url}/v1/publish` }).end();
  });
  const env = { HUB_TOKEN: registry.adminToken, HUB_REGISTRY: gate.url };
  expect((await author.refusal(['publish'], { ...inHello, env })).code).toBe(
    'REGISTRY_UNREACHABLE',
  );
  expect(seen).toEqual([]);
}, 60_000);

test.each([
  ['no JSON', 'hello', 'REGISTRY_RESPONSE_INVALID'],
  ['JSON of another form', '{"api":7}', 'REGISTRY_RESPONSE_INVALID'],
  ['an endless answer', 'x'.repeat(9 * 1024 * 1024), 'REGISTRY_RESPONSE_INVALID'],
])(
  'a registry that answers %s is refused',
  async (_what, answer, code) => {
    await using liar = await serve((_request, response) => response.end(answer));
    const env = { HUB_TOKEN: registry.adminToken, HUB_REGISTRY: liar.url };
    expect((await author.refusal(['publish'], { ...inHello, env })).code).toBe(code);
  },
  60_000,
);

test('a receipt for another artifact is no receipt', async () => {
  const digest = `sha512-${'0'.repeat(128)}`;
  const discovery = {
    api: 1,
    origin: 'liar.example',
    title: 'x',
    logKey: 'AAAA',
    tufRootSha256: '0'.repeat(64),
    limits: { artifactBytes: 1e7, bundleBytes: 1e6 },
    oidcIssuers: [],
  };
  await using liar = await serve((request, response) => {
    request.resume();
    if (request.url === '/v1/') return response.end(JSON.stringify(discovery));
    if (request.method === 'GET')
      return response
        .writeHead(404)
        .end(JSON.stringify({ code: 'REGISTRY_NOT_FOUND', detail: 'x', data: { what: 'x' } }));
    const receipt = {
      id: 'acme/hello',
      version: '1.0.2',
      digest,
      state: 'active',
      logIndex: 1,
      findings: [],
    };
    return response.end(JSON.stringify(receipt));
  });
  const env = { HUB_TOKEN: registry.adminToken, HUB_REGISTRY: liar.url };
  const { err } = await author.run(['publish', '--json'], { ...inHello, env });
  expect(JSON.parse(err)).toMatchObject({
    code: 'REGISTRY_RESPONSE_INVALID',
    message: expect.stringContaining('another artifact'),
  });
}, 60_000);
