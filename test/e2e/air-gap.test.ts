import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import {
  TAKE_ALL,
  bringUpToDate,
  exportMirror,
  folderTree,
  keyOf,
  servedTree,
} from '../../registry/mirror/index.ts';
import { identify } from '../../registry/client/index.ts';
import { ORIGIN, makePublisher, openRegistry, post } from '../registry/open-registry.ts';
import { temporaryFolder } from '../support/hub.ts';
import { packOf, reach } from './registry-pack.ts';

const WORKER = join(import.meta.dirname, 'air-gap-worker.ts');

/** Runs the worker where there is no network but loopback: the namespace has no other device and no route. */
async function withoutRoutes(args: readonly string[]): Promise<{ out: string; err: string }> {
  const user = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
  const script = 'ip link set lo up && exec "$@"';
  const child = spawn(
    'unshare',
    [...user, '--net', 'sh', '-c', script, 'sh', process.execPath, WORKER, ...args],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const [out, err] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  return { out, err };
}

/** What a registry has, as one file. */
async function exportOf(url: string, work: string, file: string): Promise<string> {
  const found = await identify({ url, folder: join(work, 'first'), fingerprint: null });
  const { origin, logKey, tufRootSha256 } = found;
  const uplink = {
    ...{ origin, url, logKey, tufRootSha256, maxMetadataAgeHours: 168 },
    ...{ everyMinutes: 1, pull: false, filters: TAKE_ALL },
  };
  const ports = { folder: work, uplink, now: () => Date.now(), own: new Set<string>() };
  await bringUpToDate(ports, { url });
  const parts = { tree: servedTree(work), notes: folderTree(work), key: keyOf(uplink) };
  await exportMirror(parts, { file, since: 0, select: ['acme/*'] });
  return tufRootSha256;
}

test(
  'without a route: an export is imported, approved, installed and run; asking for updates fails at once and says why',
  { timeout: 120_000 },
  async () => {
    await using at = await openRegistry({ clock: { now: () => Date.now() } });
    const acme = await makePublisher(at, 'acme');
    const pack = packOf({
      ...{ id: 'acme/words', version: '1.0.0', permissions: [reach('api.example.com')] },
    });
    expect((await post(at.ask, acme, pack)).status).toBe(201);
    using work = temporaryFolder('export');
    using data = temporaryFolder('far-registry');
    using folder = temporaryFolder('far-hub');
    const file = join(work.path, 'hub-export.tar');
    const fingerprint = await exportOf(at.url, work.path, file);
    const { out, err } = await withoutRoutes([data.path, folder.path, file, fingerprint, at.url]);
    if (!out.startsWith('{')) throw new Error(err);
    const told = JSON.parse(out) as Record<string, unknown>;
    expect(told).toMatchObject({
      routes: '',
      rehearsed: { dryRun: true, taken: [{ id: 'acme/words', version: '1.0.0' }], refused: [] },
      taken: { origin: ORIGIN, taken: [{ id: 'acme/words', version: '1.0.0' }], refused: [] },
      added: { origin: ORIGIN },
      installed: { status: 'installed', publisher: `acme-2026@${ORIGIN}`, unsigned: false },
      run: { status: 'succeeded' },
    });
    const unreachable = told['unreachable'] as {
      code: string;
      message: string;
      ms: number;
      run: unknown;
    }[];
    expect(unreachable).toHaveLength(3);
    for (const { code, message, ms, run } of unreachable) {
      expect(code).toBe('REGISTRY_UNREACHABLE');
      expect(message).toMatch(/cannot be reached: (?:nothing listens|there is no way|its name)/u);
      expect(ms).toBeLessThan(1000);
      expect(run).toMatchObject({ status: 'succeeded' });
    }
  },
);
