import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test, vi } from 'vitest';
import { temporaryFolder } from '../support/hub.ts';
import { askAt, makePublisher, publishOne, type Ask } from './open-registry.ts';

const MAIN = join(import.meta.dirname, '../../registry/main.ts');
// Each test starts several processes.
vi.setConfig({ testTimeout: 120_000 });

const NAME = ['--origin', 'reg.test.internal'];

interface Child {
  readonly url: string;
  readonly ask: Ask;
  /** What it wrote for people. */
  readonly errors: () => string;
  readonly process: ChildProcessWithoutNullStreams;
}

async function start(args: readonly string[]): Promise<Child> {
  const child = spawn(process.execPath, [MAIN, '--port', '0', ...args]);
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => void (errors += text));
  for await (const line of createInterface(child.stdout)) {
    const { event, url } = JSON.parse(line) as { event: string; url: string };
    if (event === 'listening')
      return { url, ask: askAt(url), errors: () => errors, process: child };
  }
  throw new Error(errors);
}

const run = async (args: readonly string[]) => {
  const child = spawn(process.execPath, [MAIN, ...args]);
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (it: string) => void (text += it));
  const [code] = await once(child, 'close');
  return { code: code as number, text };
};

async function until<T>(find: () => T | null | undefined): Promise<T> {
  for (;;) {
    const found = find();
    if (found !== null && found !== undefined) return found;
    await new Promise(setImmediate);
  }
}

test('the first start tells an admin token once; killed at once after a publication, it has it all', async () => {
  using folder = temporaryFolder('registry');
  const first = await start(['--data', folder.path, ...NAME]);
  const token = await until(() => /hubr_[\w-]{43}/u.exec(first.errors())?.[0]);
  const ask = first.ask;
  const admin: Ask = async (method, path, more) => await ask(method, path, { token, ...more });
  const acme = await makePublisher({ ask, admin }, 'acme');
  const { digest } = await publishOne({ ask }, acme, 'ocr');
  first.process.kill('SIGKILL');
  await once(first.process, 'close');
  const second = await start(['--data', folder.path]);
  expect(second.errors()).not.toContain('hubr_');
  expect((await second.ask('GET', '/v1/plugins/acme/ocr')).json).toMatchObject({ latest: '1.0.0' });
  expect((await second.ask('GET', `/v1/blobs/sha512/${digest.slice(7)}`)).status).toBe(200);
  expect((await second.ask('GET', '/v1/changes')).json.size).toBe(3);
  second.process.kill('SIGTERM');
  const [code] = await once(second.process, 'close');
  expect(code).toBe(0);
});

test('a data folder serves one registry at a time, under one name for ever', async () => {
  using folder = temporaryFolder('registry');
  const first = await start(['--data', folder.path, ...NAME]);
  const busy = await run(['--port', '0', '--data', folder.path]);
  expect(busy.code).toBe(1);
  expect(busy.text).toContain('Another registry is using this data folder');
  first.process.kill('SIGKILL');
  await once(first.process, 'close');
  const renamed = await run([
    '--port',
    '0',
    '--data',
    folder.path,
    '--origin',
    'other.test.internal',
  ]);
  expect(renamed.code).toBe(1);
  expect(renamed.text).toContain('is the registry reg.test.internal');
});

test.each([
  [['--host', '0.0.0.0'], 'is not loopback; add --expose'],
  [['--port', '99999'], '--port takes a whole number'],
  [['--origin', 'Not A Host'], '--origin is no host name'],
  [['--nonsense'], 'nonsense'],
])('the command line %j is refused', async (args, text) => {
  const result = await run(args);
  expect(result.code).toBe(2);
  expect(result.text).toContain(text);
});

test('--help tells what it takes', async () => {
  const { code, text } = await run(['--help']);
  expect(code).toBe(0);
  expect(text).toContain('--data <folder>');
});
