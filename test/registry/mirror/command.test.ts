import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pluginId } from '@runtime-hub/plugin-sdk/contract';
import { expect, test } from 'vitest';
import { RegistryClient, shortMemory } from '../../../registry/client/index.ts';
import { temporaryFolder } from '../../support/hub.ts';
import { ORIGIN, makePublisher, openRegistry, publishOne } from '../open-registry.ts';
import { servingFiles } from './mirror-scene.ts';

/** Each command is a process of its own. */
const LONG = { timeout: 120_000 };
const MAIN = join(import.meta.dirname, '../../../registry/main.ts');

async function registry(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  return await new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...args], (error, out, err) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err }),
    );
  });
}

test(
  'export, a rehearsed and a real import, and a static folder, each by one command',
  LONG,
  async () => {
    await using at = await openRegistry({ clock: { now: () => Date.now() } });
    const acme = await makePublisher(at, 'acme');
    await publishOne(at, acme, 'words');
    using work = temporaryFolder('commands');
    const [data, far] = [join(work.path, 'data'), join(work.path, 'far')];
    const file = join(work.path, 'out.tar');
    const from = ['--url', at.url, '--data', data];
    const made = await registry('export', ...from, '--select', 'acme/*', file);
    expect(made).toMatchObject({ code: 0, err: '' });
    expect(made.out).toMatch(/The next one: --since \d+/u);
    const rehearsed = await registry('import', '--dry-run', '--data', far, file);
    expect(rehearsed).toMatchObject({ code: 0 });
    expect(rehearsed.out).toContain('Would take 1 versions');
    expect(rehearsed.out).toContain('acme/words 1.0.0');
    expect(rehearsed.out).toMatch(/Fingerprint of reg\.test\.internal: [0-9a-f]{64}/u);
    expect(existsSync(far)).toBe(false);
    const wrong = await registry('import', '--fingerprint', '0'.repeat(64), '--data', far, file);
    expect(wrong).toMatchObject({ code: 1 });
    expect(wrong.err).toContain('REGISTRY_IDENTITY_MISMATCH');
    const taken = await registry('import', '--json', '--data', far, file);
    expect(JSON.parse(taken.out)).toMatchObject({ origin: ORIGIN, taken: [{ version: '1.0.0' }] });
    const folder = join(work.path, 'www');
    expect(await registry('static', '--json', '--url', at.url, folder)).toMatchObject({ code: 0 });
    await using files = await servingFiles(join(folder, 'tree'));
    const { logKey } = (await at.ask('GET', '/v1/')).json;
    using client = new RegistryClient({
      ...{ origin: ORIGIN, url: files.url, logKey, memory: shortMemory() },
      ...{ now: () => Date.now(), maxAgeMs: 3_600_000 },
    });
    expect(await client.plugin(pluginId('acme/words'))).toMatchObject({ latest: '1.0.0' });
  },
);

test(
  'a mirror is added and looked at by commands, and a wrong command line says so',
  LONG,
  async () => {
    await using at = await openRegistry({ clock: { now: () => Date.now() } });
    const acme = await makePublisher(at, 'acme');
    await publishOne(at, acme, 'words');
    using work = temporaryFolder('commands');
    const data = ['--data', work.path];
    const added = await registry(
      'mirror',
      'add',
      ...data,
      '--min-age-hours',
      '72',
      '--range',
      'acme/*=^1',
      at.url,
    );
    expect(added).toMatchObject({ code: 0, err: '' });
    expect(await registry('mirror', 'list', ...data)).toMatchObject({
      out: expect.stringContaining('"minAgeHours": 72'),
    });
    const looked = await registry('mirror', 'sync', ...data, ORIGIN);
    expect(looked.out).toContain('kept back by “min-age”: acme/words 1.0.0');
    expect(await registry('mirror', 'sync', ...data, 'other.internal')).toMatchObject({ code: 1 });
    expect(await registry('export')).toMatchObject({ code: 2 });
    expect(await registry('mirror', 'add', ...data, '--range', 'x', at.url)).toMatchObject({
      code: 2,
    });
  },
);
