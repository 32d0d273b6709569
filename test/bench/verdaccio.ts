import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { nameAt, wordAt } from './registry-seed.ts';

const VERSION = '6.10.4';
const INSTALL_MS = 180_000;
const START_MS = 60_000;
/** It asks for a tag, which mirrors of npm need not have. */
const OVERRIDES = { 'node-fetch': '2.7.0' };

/** A verdaccio of its own, with as many packages as asked for, ended with its owner. */
export interface Verdaccio extends AsyncDisposable {
  readonly url: string;
  /** Publishes a tarball as npm does, without npm. */
  publish(name: string, tarball: Uint8Array): Promise<void>;
}

/** Installs verdaccio from the npm registry that the user has configured; a text says why that failed. */
export async function openVerdaccio(folder: string, count: number): Promise<Verdaccio | string> {
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ private: true, overrides: OVERRIDES }),
  );
  const argv = ['install', `verdaccio@${VERSION}`, '--no-audit', '--no-fund', '--ignore-scripts'];
  const { status, stderr, error } = spawnSync('npm', argv, {
    ...{ cwd: folder, encoding: 'utf8', timeout: INSTALL_MS },
  });
  if (status !== 0)
    return error?.message ?? /npm error (?!code)(.*)/u.exec(stderr)?.[1] ?? 'npm failed';
  const port = await freePort();
  const url = `http://127.0.0.1:${String(port)}`;
  writeFileSync(join(folder, 'config.yaml'), CONFIG);
  // Once by its own API, so that the form of what it stores is its own; then as files.
  const first = await start(folder, url);
  await publish(url, nameAt(0), Buffer.from('x'));
  await first[Symbol.asyncDispose]();
  fill(join(folder, 'storage'), count);
  const running = await start(folder, url);
  return { ...running, url, publish: async (name, tarball) => await publish(url, name, tarball) };
}

const CONFIG = `storage: ./storage
auth: {}
uplinks: {}
packages:
  '**': { access: $all, publish: $all }
log: { type: stdout, format: json, level: fatal }
max_body_size: 20mb
server: { keepAliveTimeout: 60 }
web: { enable: false }
userRateLimit: { max: 1000000000 }
`;

async function start(folder: string, url: string): Promise<AsyncDisposable> {
  const bin = join(folder, 'node_modules', 'verdaccio', 'bin', 'verdaccio');
  const argv = [
    bin,
    '--config',
    join(folder, 'config.yaml'),
    '--listen',
    url.slice('http://'.length),
  ];
  const child = spawn(process.execPath, argv, {
    cwd: folder,
    stdio: 'ignore',
  });
  const exited = once(child, 'exit');
  const until = performance.now() + START_MS;
  while (!(await answers(url))) {
    if (child.exitCode !== null || performance.now() > until) {
      child.kill('SIGKILL');
      throw new Error('verdaccio did not begin to listen.');
    }
    await after(20);
  }
  return {
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

async function answers(url: string): Promise<boolean> {
  return await fetch(`${url}/-/ping`).then(
    ({ ok }) => ok,
    () => false,
  );
}

/** Copies of its first package under other names, in its storage and in its list. */
function fill(storage: string, count: number): void {
  const name = nameAt(0);
  const record = readFileSync(join(storage, name, 'package.json'), 'utf8');
  const tarball = readFileSync(join(storage, name, `${name}-1.0.0.tgz`));
  const names = Array.from({ length: count }, (_, index) => nameAt(index));
  for (const [index, other] of names.entries()) {
    mkdirSync(join(storage, other), { recursive: true });
    const own = record
      .replaceAll(name, other)
      .replaceAll('described', `${wordAt(index)} described`);
    writeFileSync(join(storage, other, 'package.json'), own);
    writeFileSync(join(storage, other, `${other}-1.0.0.tgz`), tarball);
  }
  const list = join(storage, '.verdaccio-db.json');
  // SAFETY: verdaccio wrote it.
  const known = JSON.parse(readFileSync(list, 'utf8')) as object;
  writeFileSync(list, JSON.stringify({ ...known, list: names }));
}

async function publish(url: string, name: string, tarball: Uint8Array): Promise<void> {
  const file = `${name}-1.0.0.tgz`;
  const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`;
  const shasum = createHash('sha1').update(tarball).digest('hex');
  const version = {
    ...{ name, version: '1.0.0', description: 'described', readme: '' },
    dist: { integrity, shasum, tarball: `${url}/${name}/-/${file}` },
  };
  const body = JSON.stringify({
    ...{ _id: name, name, description: 'described', 'dist-tags': { latest: '1.0.0' } },
    versions: { '1.0.0': version },
    _attachments: {
      [file]: {
        ...{ content_type: 'application/octet-stream', length: tarball.length },
        data: Buffer.from(tarball).toString('base64'),
      },
    },
  });
  const headers = { 'content-type': 'application/json' };
  const reply = await fetch(`${url}/${name}`, { method: 'PUT', headers, body });
  const text = await reply.text();
  if (reply.status !== 201) throw new Error(`verdaccio answered ${String(reply.status)}: ${text}`);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  // SAFETY: it listens on a port.
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return port;
}
