import { createInterface } from 'node:readline';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startHub } from '../../e2e/hub-process.ts';
import { temporaryFolder } from '../../support/hub.ts';
import { makeAuthor } from './author.ts';

const opened = new AsyncDisposableStack();
const author = opened.use(makeAuthor());
const data = opened.use(temporaryFolder('dev-hub')).path;
afterAll(async () => await opened.disposeAsync());
beforeAll(async () => {
  await author.json(['new', 'hello', '--id', 'acme/hello']);
}, 60_000);

interface Event {
  readonly event: 'loaded' | 'failed';
  readonly code?: string;
  readonly message?: string;
  readonly version?: string;
  readonly publisher?: string;
}

test('without a hub it says how to start one', async () => {
  const { out, code } = await author.run(['dev', '--once', '--json', '--data', data], {
    in: 'hello',
  });
  expect(code).toBe(1);
  expect(JSON.parse(out)).toMatchObject({ event: 'failed', code: 'HUB_NOT_RUNNING' });
}, 60_000);

test('a hub that was not started for developers takes no unsigned plugin', async () => {
  await using hub = startHub(['start', '--port', '0', '--json', '--data', data]);
  await hub.line(() => true);
  const { out, code } = await author.run(['dev', '--once', '--json', '--data', data], {
    in: 'hello',
  });
  expect(code).toBe(1);
  expect(JSON.parse(out)).toMatchObject({ event: 'failed' });
}, 60_000);

test('each change is loaded, unsigned; one that does not build is told with file and line, and mended by the next', async () => {
  await using hub = startHub(['start', '--dev', '--port', '0', '--json', '--data', data]);
  await hub.line(() => true);
  const child = author.start(['dev', '--json', '--data', data], { in: 'hello' });
  try {
    const lines = createInterface({ input: child.stdout ?? process.stdin })[Symbol.asyncIterator]();
    const next = async (): Promise<Event> =>
      JSON.parse(String((await lines.next()).value)) as Event;
    expect(await next()).toMatchObject({
      event: 'loaded',
      version: '1.0.0',
      publisher: 'unsigned',
    });
    author.edit('hello/plugin.ts', (it) => it.replace("'1.0.0'", "'1.0.1'"));
    expect(await next()).toMatchObject({ event: 'loaded', version: '1.0.1' });
    author.edit('hello/plugin.ts', (it) => `const = 1;\n${it}`);
    expect(await next()).toMatchObject({
      event: 'failed',
      code: 'ARTIFACT_BUILD_FAILED',
      message: expect.stringContaining('plugin.ts:1:7'),
    });
    author.edit('hello/plugin.ts', (it) =>
      it.replace('const = 1;\n', '').replace("'1.0.1'", "'1.0.2'"),
    );
    expect(await next()).toMatchObject({ event: 'loaded', version: '1.0.2' });
    author.edit(join('hello/node_modules/ignored.txt'), () => 'x');
    author.edit('hello/README.md', (it) => `${it}\nMore.\n`);
    expect(await next()).toMatchObject({ event: 'loaded', version: '1.0.2' });
  } finally {
    const closed = once(child, 'close');
    child.kill('SIGINT');
    await closed;
  }
  expect(child.exitCode).toBe(0);
}, 120_000);
