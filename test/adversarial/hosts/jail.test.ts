import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { createLauncher } from '../../../plugin-sdk/hosting/jail/launcher.ts';
import { examineMachine } from '../../../plugin-sdk/hosting/jail/doctor.ts';
import type { HostProcess, LaunchSpec } from '../../../kernel/ports.ts';
import { fakeLauncher } from '../../kernel/host/host-bench.ts';

const REPOSITORY = path.resolve(import.meta.dirname, '../../..');

async function launch(
  script: string,
  changes: Partial<LaunchSpec> = {},
  processes = 1,
): Promise<HostProcess> {
  return await fakeLauncher(['-e', script]).launch({
    host: 'probe',
    runtime: 'isolate',
    plugin: null,
    blobs: null,
    limits: {
      memoryMb: 64,
      entryMs: 200,
      openFiles: 128,
      processes,
    },
    ...changes,
  });
}

/** Runs a script in a jail; what its `answer(value)` was given. */
async function probe(body: string, changes: Partial<LaunchSpec> = {}): Promise<unknown> {
  const script = `const fs = require('node:fs');
    const answer = (value) => { fs.writeSync(3, JSON.stringify(value) + '\\n'); };
    const code = (fn) => { try { fn(); return 'ALLOWED'; } catch (error) { return error.code ?? error.message; } };
    setInterval(() => {}, 1000); (async () => { ${body} })();`;
  const host = await launch(script, changes);
  let text = '';
  for await (const chunk of host.output) {
    text += String(chunk);
    if (text.endsWith('\n')) break;
  }
  host.kill();
  await host.ended;
  return JSON.parse(text);
}

const SOCKETS = `const net = require('node:net'), dgram = require('node:dgram');
  const open = (start) => new Promise((done) => start((error) => done(error?.code ?? 'ALLOWED')));
  const tcp = (where) => open((done) => net.connect(where).on('connect', () => done()).on('error', done));
  const udp = (kind) => open((done) => dgram.createSocket(kind).on('error', done).bind(0, () => done()));
  const listen = (where) => open((done) => net.createServer().on('error', done).listen(where, () => done()));`;

test.each(['isolate', 'process'] as const)(
  'an %s host opens no socket of any family',
  async (runtime) => {
    const body = `${SOCKETS}
    answer([await tcp({ port: 9, host: '127.0.0.1' }), await tcp({ port: 9, host: '::1' }), await udp('udp4'), await udp('udp6'),
      await tcp({ path: '/tmp/x' }), await tcp({ path: '\\0abstract' }), await listen('/tmp/y'), code(() => require('node:os').networkInterfaces())]);`;
    const results = await probe(body, { runtime });
    // networkInterfaces() opens a netlink socket; Node gives up on it with a system error.
    expect(results).toEqual([...Array.from({ length: 7 }, () => 'EPERM'), 'ERR_SYSTEM_ERROR']);
  },
);

test('a driver host opens Unix sockets and no others', async () => {
  const body = `${SOCKETS}
    answer([await tcp({ path: '/tmp/none' }), await tcp({ port: 9, host: '127.0.0.1' }), await udp('udp4')]);`;
  expect(await probe(body, { runtime: 'driver' })).toEqual(['ENOENT', 'EPERM', 'EPERM']);
});

test.each(['isolate', 'process', 'driver'] as const)(
  'an %s host sees nothing of the machine',
  async (runtime) => {
    const home = os.homedir();
    const files = [
      '/etc/shadow',
      '/etc/passwd',
      '/root',
      `${home}/.ssh`,
      path.join(REPOSITORY, 'package.json'),
      '/var',
      '/run',
      '/home',
      '/sys',
      '/tmp/.X11-unix',
    ];
    const body = `answer(${JSON.stringify(files)}.map((file) => code(() => fs.statSync(file).isDirectory() ? fs.readdirSync(file) : fs.readFileSync(file))));`;
    const results = (await probe(body, { runtime })) as string[];
    const reached = files.filter((_, index) => results[index] !== 'ENOENT');
    // The root's own home may lie on the way to the mounted runtime, as an empty folder.
    expect(reached).toEqual([]);
  },
);

test('the environment is empty', async () => {
  process.env['HUB_TEST_SECRET'] = 'secret';
  const seen = await probe(
    `answer([Object.keys(process.env), fs.readFileSync('/proc/self/environ', 'utf8')]);`,
  );
  delete process.env['HUB_TEST_SECRET'];
  expect(seen).toEqual([['PWD'], 'PWD=/\0']);
});

test('nothing outside /tmp can be written, and /tmp is small', async () => {
  const files = [
    '/x',
    '/dev/x',
    '/proc/sys/kernel/hostname',
    '/proc/sys/kernel/core_pattern',
    '/proc/self/oom_score_adj',
  ];
  const body = `answer(${JSON.stringify(files)}.map((file) => code(() => fs.appendFileSync(file, '')))
    .concat(code(() => { for (let at = 0; at < 32; at++) fs.appendFileSync('/tmp/x', Buffer.alloc(1 << 20)); })));`;
  // Without root's rights some are refused by their mode before their file system is asked.
  const refused = expect.stringMatching(/^(EROFS|EACCES)$/u);
  expect(await probe(body)).toEqual([...files.map(() => refused), 'ENOSPC']);
});

test('no descriptor but the channel and the standard ones leads outside', async () => {
  const body = `answer(fs.readdirSync('/proc/self/fd').flatMap((fd) => { try { return [[fd, fs.readlinkSync('/proc/self/fd/' + fd)]]; } catch { return []; } })
    .filter(([fd, to]) => Number(fd) > 3 && !to.startsWith('anon_inode') && !to.startsWith('pipe:') && to !== '/dev/null'));`;
  expect(await probe(body)).toEqual([]);
});

test('no process can be started and no other is visible', async () => {
  const body = `const child = require('node:child_process');
    answer([code(() => child.spawn('/rt/node', ['-v'])), code(() => child.spawn('/rt/node', ['-v'], { detached: true })),
      fs.readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name)).length]);`;
  expect(await probe(body)).toEqual(['EPERM', 'EPERM', 2]);
});

test('a process host has no way to start, debug or load anything native', async () => {
  const body = `const child = require('node:child_process'), inspector = require('node:inspector');
    answer([code(() => child.spawnSync('/rt/node')), code(() => new (require('node:worker_threads').Worker)('1', { eval: true })),
      code(() => inspector.open(0)), code(() => process.dlopen({ exports: {} }, '/tmp/x.node'))]);`;
  const results = (await probe(body, { runtime: 'process' })) as string[];
  expect(results).not.toContain('ALLOWED');
});

test('a process host compiles WebAssembly', async () => {
  const body = `const bytes = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]);
    answer((await WebAssembly.instantiate(bytes)).instance instanceof WebAssembly.Instance);`;
  expect(await probe(body, { runtime: 'process' })).toBe(true);
});

test('a grandchild dies with its jail', async () => {
  const script = `const child = require('node:child_process').spawn('/rt/node', ['--jitless', '-e', 'setInterval(() => {}, 1000)'], { detached: true, stdio: 'ignore' });
    child.unref(); child.on('spawn', () => require('node:fs').writeSync(3, 'x')); setInterval(() => {}, 1000);`;
  // RLIMIT_NPROC counts all of a user's processes, in and out of jails, so it is left as it is.
  const most = /^Max processes\s+\S+\s+(\d+)/mu.exec(readFileSync('/proc/self/limits', 'utf8'));
  const host = await launch(script, {}, Number(most?.[1] ?? 100_000));
  const pid = String(host.pid);
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
  expect(children).toHaveLength(1);
  host.kill();
  await host.ended;
  expect(existsSync(`/proc/${String(children[0])}`)).toBe(false);
  expect(existsSync(`/proc/${pid}`)).toBe(false);
});

test('a fork bomb starts nothing', async () => {
  const body = `const child = require('node:child_process'); let started = 0;
    for (let at = 0; at < 500; at++) if (code(() => child.spawn('/rt/node', ['-e', '0'])) === 'ALLOWED') started += 1;
    answer(started);`;
  expect(await probe(body)).toBe(0);
});

test('taking a gigabyte ends an isolate host before it has it', async () => {
  const host = await launch(`require('node:fs').writeSync(3, 'x'); const kept = [];
    setInterval(() => { for (let i = 0; i < 8; i++) kept.push(Buffer.alloc(4 << 20, 1)); if (kept.length > 256) process.exit(42); }, 1);`);
  const { code } = await host.ended;
  expect(code).not.toBe(42);
});

test('a folder of blobs is read-only, the other writable', async () => {
  const root = mkdtempSync(path.join(os.tmpdir(), 'blobs-'));
  const [inFolder, outFolder] = [path.join(root, 'in'), path.join(root, 'out')];
  for (const folder of [inFolder, outFolder]) mkdirSync(folder);
  const body = `answer([code(() => fs.writeFileSync(process.env.HUB_BLOBS_IN + '/x', '')), code(() => fs.writeFileSync(process.env.HUB_BLOBS_OUT + '/x', ''))]);`;
  const results = (await probe(body, {
    runtime: 'process',
    blobs: { inFolder, outFolder },
  })) as string[];
  expect(results).toEqual([expect.stringMatching(/EROFS|ERR_ACCESS_DENIED/u), 'ALLOWED']);
  expect(existsSync(path.join(outFolder, 'x'))).toBe(true);
  rmSync(root, { recursive: true });
});

test('a jail that cannot start refuses with its own words', async () => {
  const launcher = createLauncher({ minIsolation: 'strong', bwrapPath: '/bin/false' });
  const limits = { memoryMb: 64, entryMs: 200, openFiles: 128, processes: 1 };
  const spec = { host: 'x', runtime: 'isolate', plugin: null, blobs: null, limits } as const;
  await expect(launcher.launch(spec)).rejects.toMatchObject({ code: 'JAIL_UNAVAILABLE' });
  const gone = createLauncher({ minIsolation: 'strong', bwrapPath: '/nowhere/bwrap' });
  await expect(gone.launch(spec)).rejects.toThrow(/nowhere/u);
});

test('the doctor proves by trying that this machine can jail plugins', async () => {
  const findings = await examineMachine({ launcher: createLauncher({ minIsolation: 'strong' }) });
  expect(findings.filter((finding) => !finding.ok && !finding.optional)).toEqual([]);
});
