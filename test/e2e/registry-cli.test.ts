import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  ORIGIN,
  makePublisher,
  openRegistry,
  post,
  type OpenRegistry,
  type Publisher,
} from '../registry/open-registry.ts';
import { temporaryFolder } from '../support/hub.ts';
import { hub, jsonLines, startHub, type Exit } from './hub-process.ts';
import { packOf, reach, type Pack } from './registry-pack.ts';

const WORDS = 'acme/words';
const LONG = { timeout: 120_000 };
const opened = new AsyncDisposableStack();
let at: OpenRegistry;
let acme: Publisher;
let folder: string;

beforeAll(async () => {
  at = opened.use(await openRegistry({ clock: { now: () => Date.now() } }));
  acme = await makePublisher(at, 'acme');
  folder = opened.use(temporaryFolder('registry-cli')).path;
  const served = opened.use(startHub(['start', '--port', '0', '--json', '--data', folder]));
  await served.line(() => true);
}, 60_000);
afterAll(async () => await opened.disposeAsync());

const ask = async (...args: readonly string[]): Promise<Exit> =>
  await hub([...args, '--data', folder]);
const json = async (...args: readonly string[]): Promise<unknown> =>
  jsonLines((await ask(...args, '--json')).out)[0];

async function publish(pack: Omit<Pack, 'id'>): Promise<void> {
  const reply = await post(at.ask, acme, packOf({ id: WORDS, ...pack }));
  expect(reply.text).toContain('"state":"active"');
}

test('a registry is added by its fingerprint, and only by its own', LONG, async () => {
  const { tufRootSha256: right } = (await at.ask('GET', '/v1/')).json;
  const wrong = await ask('registries', 'add', at.url, '--fingerprint', 'a'.repeat(64), '--json');
  expect(wrong).toMatchObject({ code: 1, out: '' });
  expect(jsonLines(wrong.err)).toMatchObject([{ code: 'REGISTRY_IDENTITY_MISMATCH' }]);
  expect((await ask('registries', 'list')).out).toContain('This hub knows no registry');
  const added = await ask(
    'registries',
    'add',
    at.url,
    '--fingerprint',
    right,
    '--namespace',
    'acme/*',
  );
  expect(added.out).toContain(`Added ${ORIGIN}; fingerprint ${right}`);
  expect(await json('registries', 'list')).toMatchObject({
    registries: [{ origin: ORIGIN, url: at.url, error: null }],
  });
});

test(
  'search, info, install, why, preview, update, pin, lock and remove say what they did, in words and in JSON',
  LONG,
  async () => {
    await publish({ version: '1.0.0', permissions: [reach('api.example.com')] });
    expect((await ask('plugins', 'search', 'words')).out).toMatch(/acme\/words +1\.0\.0 +isolate/u);
    const info = (await ask('plugins', 'info', WORDS)).out;
    expect(info).toContain('asks to: Send requests to api.example.com — Asks for the weather');
    const installed = (await ask('plugins', 'install', WORDS)).out;
    expect(installed).toContain(
      'Installed: acme/words 1.0.0, signed by acme-2026@reg.test.internal',
    );
    const file = join(folder, 'says.json');
    const nodes = { only: { type: `${WORDS}:say` } };
    writeFileSync(
      file,
      JSON.stringify({ format: 'runtime-hub/workflow@1', name: 'Says', nodes, edges: [] }),
    );
    expect((await ask('run', file)).out).toContain('"text":"1.0.0"');
    const config = {
      ...{ type: 'object', properties: { loud: { type: 'boolean', description: 'Shout' } } },
      ...{ required: ['loud'], additionalProperties: false },
    };
    const migrate = '(config, from) => ({ ...config, loud: from === "1.0.0" })';
    const more = [reach('api.example.com'), reach('evil.example')];
    await publish({ version: '2.0.0', permissions: more, config, migrate });
    const preview = await ask('plugins', 'update', WORDS, '--preview');
    expect(preview).toMatchObject({ code: 1 });
    expect(preview.out).toContain('would go from 1.0.0 to 2.0.0, and would wait: it asks for more');
    expect(preview.out).toContain('+ may:         Send requests to evil.example');
    expect(preview.out).toContain('workflow “Says” would no longer run:');
    const held = (await ask('plugins', 'update', WORDS)).out;
    expect(held).toContain(
      'acme/words 2.0.0 waits: it asks for more than the version before. 1.0.0 keeps running.',
    );
    expect((await ask('plugins', 'why', WORDS)).out).toMatch(
      /2\.0\.0 waits:[\s\S]*requested: Send requests to api\.example\.com[\s\S]*used by “Says”/u,
    );
    expect(await json('plugins', 'lock', file)).toMatchObject({ [WORDS]: { version: '1.0.0' } });
    expect(await json('plugins', 'update', WORDS, '--approve')).toMatchObject({
      status: 'installed',
    });
    expect((await ask('run', file)).out).toContain('"text":"1.0.0"');
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ name: 'Says', nodes });
    expect(await json('plugins', 'migrate', file)).toMatchObject({ [WORDS]: { version: '2.0.0' } });
    const moved = { only: { type: `${WORDS}:say`, config: { loud: true } } };
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ name: 'Says', nodes: moved });
    expect((await ask('run', file)).out).toContain('"text":"2.0.0"');
    expect((await ask('plugins', 'rollback', WORDS)).out).toBe('Back to acme/words 1.0.0.');
    expect((await ask('plugins', 'pin', `${WORDS}@2.0.0`, '--approve')).out).toContain('is pinned');
    expect((await ask('plugins', 'unpin', WORDS)).out).toContain('no longer pinned');
    expect((await ask('plugins', 'remove', `${WORDS}@1.0.0`)).code).toBe(0);
    expect((await ask('plugins', 'remove', `${WORDS}@2.0.0`)).code).toBe(0);
    const locked = await ask('run', file, '--json');
    expect(jsonLines(locked.err)).toMatchObject([{ code: 'WORKFLOW_INVALID' }]);
  },
);

test('the log of a namespace is watched as it grows', LONG, async () => {
  await using watching = startHub(['log', 'watch', '--ns', 'acme', '--data', folder]);
  expect(await watching.line((it) => it.includes('acme-2026'))).toContain('(signer) was added');
  await publish({ version: '3.0.0' });
  const line = await watching.line((it) => it.includes('3.0.0'));
  expect(line).toContain('acme/words 3.0.0 was published, signed by acme-2026');
});

const WRONG = [
  [['plugins', 'install', `${WORDS}@not-a-range`], 'HUB_REQUEST_INVALID', 2],
  [['plugins', 'install', `${WORDS}@^9`], 'PLUGIN_VERSION_NOT_FOUND', 1],
  [['plugins', 'info', 'acme/nobody'], 'REGISTRY_NOT_FOUND', 1],
  [['plugins', 'update', 'acme/nobody'], 'PLUGIN_NOT_INSTALLED', 1],
  [['plugins', 'why', 'acme/nobody'], 'PLUGIN_NOT_INSTALLED', 1],
  [['plugins', 'why', '..%2f..'], 'HUB_REQUEST_INVALID', 2],
  [['plugins', 'rollback', 'acme/nobody'], 'PLUGIN_VERSION_NOT_FOUND', 1],
  [['plugins', 'constructor', WORDS], 'HUB_REQUEST_INVALID', 2],
  [['registries', 'remove', 'nobody.example'], 'REGISTRY_UNKNOWN', 1],
  [['registries', 'add', 'ftp://x'], 'HUB_REQUEST_INVALID', 2],
  [['registries', 'add', 'http://127.0.0.1:1'], 'REGISTRY_UNREACHABLE', 1],
  [['log', 'watch', '--ns', '../x'], 'HUB_REQUEST_INVALID', 2],
] as const;

test.each(WRONG)('hub %j: %s, exit code %i', LONG, async (args, code, exitCode) => {
  const said = await ask(...args, '--json');
  expect(said).toMatchObject({ code: exitCode, out: '' });
  expect(jsonLines(said.err)).toMatchObject([{ code, cure: expect.any(String) }]);
});
