import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readArtifact } from '@runtime-hub/plugin-sdk/artifact';
import { packPlugin } from '@runtime-hub/plugin-sdk/cli';
import {
  pluginId,
  reportOf,
  runId,
  type Json,
  type JsonObject,
  type Manifest,
} from '@runtime-hub/plugin-sdk/contract';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildRuntime } from '../../../plugin-sdk/runtime/build.ts';
import { world } from '../../kernel/capability/world.ts';
import { openBench, type Bench } from '../../kernel/host/host-bench.ts';
import { fileStage } from '../../studio/server/services/files/file-stage.ts';

const ID = pluginId('core/file');
let files: ReadonlyMap<string, Uint8Array>;
const benches: Bench[] = [];

beforeAll(async () => {
  await buildRuntime();
  const folder = join(import.meta.dirname, '../../../plugins/core-file');
  ({ files } = readArtifact(await packPlugin(folder)));
}, 60_000);
afterAll(async () => {
  for (const bench of benches) await bench[Symbol.asyncDispose]();
});

const textOf = (name: string): string => Buffer.from(files.get(name) ?? []).toString();

/** core/file as it is packed, in a real jail, behind a real broker, on the hub's real services. */
function setUp(narrowed?: string) {
  const stage = fileStage();
  const { broker, plugins } = world([], { services: stage.services });
  const refusals: string[] = [];
  const bench = openBench({
    real: true,
    gate: {
      async call(caller, request, signal) {
        try {
          return await broker.call(caller, request, signal);
        } catch (error) {
          refusals.push(reportOf(error).code);
          throw error;
        }
      },
    },
  });
  benches.push(bench);
  // SAFETY: the packer has checked it.
  const manifest = JSON.parse(textOf('manifest.json')) as Manifest;
  plugins.set(ID, bench.install(ID, manifest, textOf('plugin.js')));
  if (narrowed === undefined) broker.approve({ plugin: ID, by: 'test' });
  else
    for (const capability of ['fs.read', 'fs.write'] as const)
      broker.approve({ plugin: ID, capability, target: narrowed, by: 'test' });
  const run = async (type: string, config: JsonObject, inputs: JsonObject = {}): Promise<Json> => {
    const step = { node: 'n', type: `${ID}:${type}`, config, inputs: {}, links: {} };
    const request = {
      run: runId('run-00000001'),
      workspace: 'default',
      workflow: 'w',
      plugin: ID,
      steps: [step],
      values: { n: { config, inputs, attempt: 1 } },
      deadlineMs: 10_000,
    };
    const [report] = await bench.pool.run(request, new AbortController().signal);
    if (report === undefined) throw new Error('no report');
    return report.ok ? report.outputs : report.error;
  };
  return { ...stage, bench, run, refusals };
}

test('every node does its work from within the jail, and its changes are undone', async () => {
  const { home, run } = setUp();
  const big = 'zeile ü\n'.repeat(50_000);
  expect(await run('make-folder', { path: '~/f' })).toHaveProperty('change');
  const written = await run('write', { path: '~/f/a' }, { content: big });
  expect(written).toMatchObject({ sizeBytes: 450_000 });
  expect(await run('read', { path: '~/f/a' })).toMatchObject({ text: big });
  expect(await run('move', { path: '~/f/a', to: '~/f/b' })).toMatchObject({ to: '~/f/b' });
  expect(await run('list', { path: '~/f' })).toMatchObject({ entries: [{ path: '~/f/b' }] });
  writeFileSync(join(home, 'binary'), Buffer.from([255]));
  expect(await run('read', { path: '~/binary' })).toMatchObject({ blob: { sizeBytes: 1 } });
  const removed = await run('remove', { path: '~/f/b' });
  expect(await run('list', { path: '~/f' })).toMatchObject({ entries: [] });
  // SAFETY: the node's outputs have it.
  const { change } = removed as { readonly change: JsonObject };
  expect(await run('undo', {}, { change })).toEqual({ path: '~/f/b' });
  expect(readFileSync(join(home, 'f/b'), 'utf8')).toBe(big);
}, 30_000);

test('a step gets what the hub refuses, and a narrowed grant holds', async () => {
  const { home, root, run, refusals } = setUp('~/mine/**');
  mkdirSync(join(home, 'mine'));
  writeFileSync(join(root, 'secret'), 'secret');
  symlinkSync(root, join(home, 'mine/out'));
  expect(await run('read', { path: '~/mine/none' })).toMatchObject({
    message: 'There is no ~/mine/none',
  });
  await run('read', { path: '~/mine/out/secret', as: 'text' });
  await run('read', { path: '~/other' });
  await run('move', { path: '~/mine/a', to: '~/other' });
  expect(refusals).toEqual([
    'FILE_NOT_FOUND',
    'FILE_REFUSED',
    'CAPABILITY_DENIED',
    'CAPABILITY_DENIED',
  ]);
}, 30_000);

test('the trigger tells of new files from within the jail until it is stopped', async () => {
  const { home, bench } = setUp();
  mkdirSync(join(home, 'in'));
  writeFileSync(join(home, 'in/old'), 'x');
  const stop = new AbortController();
  const config = { path: '~/in', settleMs: 30, atStart: true };
  const request = {
    plugin: ID,
    node: 'n',
    type: `${ID}:watch`,
    config,
    workspace: 'default',
    workflow: 'w',
  };
  const told: Json[] = [];
  const listening = bench.pool.listen(
    request,
    async (event) => {
      told.push(event['names'] ?? null);
      if (told.length === 1) writeFileSync(join(home, 'in/new'), 'x');
      else stop.abort();
      return await Promise.resolve();
    },
    stop.signal,
  );
  await listening.catch(() => {});
  expect(told).toEqual([['old'], ['new']]);
}, 30_000);
