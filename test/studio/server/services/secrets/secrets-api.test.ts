import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { withErrors } from '../../../../../studio/server/api/app.ts';
import { secretRoutes } from '../../../../../studio/server/api/secrets.ts';
import { secretsCommand } from '../../../../../studio/server/cli/secrets.ts';
import {
  openSecrets,
  type Secrets,
} from '../../../../../studio/server/services/secrets/secret-store.ts';
import { temporaryFolder } from '../../../../support/hub.ts';

const VALUE = 'hunter2 is a secret';

let folder: ReturnType<typeof temporaryFolder>;
let secrets: Secrets;
let app: ReturnType<typeof secretRoutes>;
beforeEach(() => {
  folder = temporaryFolder('secrets-api');
  secrets = openSecrets(folder.path);
  app = withErrors(secretRoutes({ secrets }));
});
afterEach(() => folder[Symbol.dispose]());

const post = async (path: string, body: unknown): Promise<Response> =>
  await app.request(`/${path}`, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  });

describe('the API of secrets', () => {
  test('sets, lists and removes, and no answer holds a value', async () => {
    const answers = [
      await post('set', { name: 'mail', value: VALUE }),
      await app.request('/'),
      await post('remove', { name: 'mail' }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    const texts = await Promise.all(answers.map(async (it) => await it.text()));
    expect(texts[0]).toContain('"name":"mail"');
    expect(texts[2]).toBe('{"secrets":[]}');
    expect(texts.join('')).not.toContain('hunter2');
  });

  test('has no route that reads a value', async () => {
    await post('set', { name: 'mail', value: VALUE });
    for (const path of ['mail', 'get', 'reveal', 'set', 'mail/value']) {
      const answer = await app.request(`/${path}`);
      expect(answer.status).toBe(404);
      expect(await answer.text()).not.toContain('hunter2');
    }
  });

  test('refuses what is not of the form, without repeating it', async () => {
    for (const body of [
      { name: 'Mail', value: VALUE },
      { name: 'mail', value: [VALUE] },
      { name: 'mail', value: VALUE, shown: true },
      { name: VALUE },
      { name: 'mail', value: VALUE.repeat(1000) },
    ]) {
      const answer = await post('set', body);
      const report = await answer.text();
      expect(JSON.parse(report)).toMatchObject({ code: 'HUB_REQUEST_INVALID' });
      expect(report).not.toContain('hunter2');
    }
    const missing = await post('remove', { name: 'mail' });
    expect(await missing.json()).toMatchObject({ code: 'SECRET_NOT_FOUND' });
  });
});

describe('hub secrets', () => {
  const CLI = fileURLToPath(
    new URL('../../../../../studio/server/cli/secrets.ts', import.meta.url),
  );
  const OUTPUT = fileURLToPath(
    new URL('../../../../../studio/server/cli/output.ts', import.meta.url),
  );
  const SCRIPT = `
    const { secretsCommand } = await import(${JSON.stringify(CLI)});
    const { printError } = await import(${JSON.stringify(OUTPUT)});
    const args = process.argv.slice(1);
    process.exitCode = await secretsCommand.run(args).catch((it) => printError(it, true));
  `;

  /** A hub on the folder's socket. */
  async function listening(): Promise<AsyncDisposable> {
    const server = createServer((request, response) => void answer(request, response));
    server.listen(join(folder.path, 'hub.sock'));
    await once(server, 'listening');
    return {
      async [Symbol.asyncDispose]() {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      },
    };
  }

  /** Runs the command as a process of its own. */
  async function hub(args: readonly string[], input: string) {
    const argv = ['--input-type=module', '-e', SCRIPT, '--', ...args, '--data', folder.path];
    const child = spawn(process.execPath, argv);
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    const [out, err, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'exit'),
    ]);
    // SAFETY: nobody ends it by a signal.
    return { out, err, code: code as number };
  }

  /** Runs the command here; what it printed. */
  async function printed(args: readonly string[]): Promise<string> {
    const log = vi.spyOn(console, 'log').mockImplementation(() => {});
    try {
      expect(await secretsCommand.run([...args, '--data', folder.path])).toBe(0);
      return log.mock.calls.flat().join('\n');
    } finally {
      log.mockRestore();
    }
  }

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await text(request);
    if (request.url === '/healthz') return void response.end('{"status":"ok"}');
    const path = String(request.url).replace('/api/v1/secrets', '');
    const answered = await app.request(path === '' ? '/' : path, {
      method: String(request.method),
      ...(body === '' ? {} : { body, headers: { 'content-type': 'application/json' } }),
    });
    return void response.writeHead(answered.status).end(await answered.text());
  };

  test('set takes the value from standard input, all but its last line end', async () => {
    await using _hub = await listening();
    const { out, ...rest } = await hub(['set', 'mail'], `${VALUE}\nline two\n\r\n`);
    expect(rest).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^NAME +SET +LAST USED\nmail +\S+ +never\n$/u);
    expect(secrets.reveal('mail')).toBe(`${VALUE}\nline two\n`);
  });

  test('set with nothing on standard input is refused', async () => {
    await using _hub = await listening();
    const { err, code } = await hub(['set', 'mail', '--json'], '\n');
    expect(JSON.parse(err)).toMatchObject({ code: 'HUB_REQUEST_INVALID' });
    expect(code).toBe(2);
    expect(secrets.list()).toEqual([]);
  });

  test('list and remove know a secret by its name', async () => {
    await using _hub = await listening();
    secrets.set('mail', VALUE);
    expect(await printed(['list'])).toMatch(/^NAME +SET +LAST USED\nmail +\S+ +never$/u);
    expect(JSON.parse(await printed(['list', '--json']))).toEqual({ secrets: secrets.list() });
    expect(await printed(['remove', 'mail'])).toContain('There are no secrets');
    const missing = secretsCommand.run(['remove', 'mail', '--data', folder.path]);
    await expect(missing).rejects.toMatchObject({ code: 'SECRET_NOT_FOUND' });
  });

  test('a value on the command line, no name, and an unknown word are refused', async () => {
    for (const args of [['set', 'mail', VALUE], ['set'], ['remove'], ['show', 'mail']]) {
      const refused = secretsCommand.run([...args, '--data', folder.path]);
      await expect(refused).rejects.toMatchObject({ code: 'HUB_REQUEST_INVALID' });
      await expect(refused).rejects.not.toThrow('hunter2');
    }
    const option = secretsCommand.run(['set', 'mail', `--value=${VALUE}`]);
    await expect(option).rejects.toMatchObject({ code: 'ERR_PARSE_ARGS_UNKNOWN_OPTION' });
    await expect(option).rejects.not.toThrow('hunter2');
  });
});
