import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { buildRuntime } from '../../../plugin-sdk/runtime/build.ts';
import { createApp } from '../../../studio/server/api/app.ts';
import { eventOf, temporaryFolder } from '../../support/hub.ts';
import { openStage, oneNode, type Stage } from './stage.ts';

/** What is granted in one workspace must serve no run of another, whichever way round. */
let folder: ReturnType<typeof temporaryFolder>;
let stage: Stage;
beforeAll(buildRuntime);
beforeEach(async () => {
  folder = temporaryFolder('workspaces');
  stage = await openStage(folder.path);
});
afterEach(async () => {
  await stage[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

const by = 'admin';
const NOT_GRANTED = 'CAPABILITY_NOT_GRANTED';
const stat = `context.call('fs.read', 'stat', { path: '~/nothing-here' })`;
const compare = `context.call('screen.capture', 'compare', { area: {}, width: 1, sha256: '${'0'.repeat(64)}' })`;
const seen = { same: true, takenAt: 1 };

test('a run has the grants of its own workspace, however the other’s name is like it', async () => {
  const code = `async ({ context }) => ({ out: await ${stat} })`;
  const guest = await stage.install('guest', { code, permissions: [['fs.read', '~/**']] });
  stage.hub.broker.approve({ plugin: guest, workspace: 'blue', by });
  for (const workspace of ['red', 'blu', 'blue2', 'default'])
    expect([workspace, await stage.play(guest, workspace)]).toEqual([workspace, NOT_GRANTED]);
  expect(await stage.play(guest, 'blue')).toBeNull();
});

test('who provides has no more rights than in the workspace it is asked from', async () => {
  const helper = await stage.install('helper', {
    permissions: [['fs.read', '~/**']],
    code: '() => ({ out: 0 })',
    provides: {
      'screen.capture': `{ compare: async ({ context }) => { await ${stat}; return ${JSON.stringify(seen)}; } }`,
    },
  });
  const guest = await stage.install('guest', {
    permissions: [['screen.capture', '*']],
    code: `async ({ context }) => ({ out: await ${compare} })`,
  });
  stage.hub.broker.approve({ plugin: guest, by });
  stage.hub.broker.approve({ plugin: helper, workspace: 'blue', by });
  expect(await stage.play(guest, 'blue')).toEqual(seen);
  expect(await stage.play(guest, 'red')).toBe(NOT_GRANTED);
});

test('what a step of another workspace keeps open cannot be called through: each workspace has its own host', async () => {
  const keeping = await stage.install('keeping', {
    permissions: [['fs.read', '~/**']],
    before: 'let kept = null;',
    code: `async ({ config, context }) => {
      if (config.keep === 1) {
        kept = () => ${stat};
        context.log.info('kept');
        await context.sleep(60000);
      }
      return { out: kept === null ? 'nothing kept' : await kept() };
    }`,
  });
  const { hub } = stage;
  hub.broker.approve({ plugin: keeping, workspace: 'blue', by });
  const pids: number[] = [];
  using _listening = hub.bus.on((event) => {
    if (event.type === 'host.started') pids.push(event.pid);
  });
  const open = await stage.start(keeping, 'blue', { keep: 1 });
  await eventOf(hub, 'plugin.log', (it) => it.text === 'kept');
  expect(await stage.play(keeping, 'red')).toBe('nothing kept');
  expect(new Set(pids).size).toBe(2);
  // In its own workspace the same code has what it kept: that is what the wall is for.
  expect(await stage.play(keeping, 'blue')).toBeNull();
  await hub.engine.cancel(open.run, 'over');
  await open.finished;
});

test('a run that waits for a grant of its workspace still does after a restart of the hub', async () => {
  const waiting = await stage.install('waiting', {
    permissions: [['fs.read', '~/**']],
    uses: ['fs.read'],
    code: `async ({ context }) => ({ out: await ${stat} })`,
  });
  const { run } = await stage.start(waiting, 'red');
  await eventOf(stage.hub, 'step.waiting');
  await stage[Symbol.asyncDispose]();
  stage = await openStage(folder.path);
  const { broker, engine, store } = stage.hub;
  expect(store.runs.get(run)?.record.workspace).toBe('red');
  for (const workspace of ['blue', 'default']) broker.approve({ plugin: waiting, workspace, by });
  expect(engine.status(run)).toMatchObject({ status: 'running', nodes: { attack: 'waiting' } });
  expect(store.audit.list({ limit: 100 }).filter((it) => it.decision === 'allowed')).toEqual([]);
  const ended = eventOf(stage.hub, 'run.finished', (it) => it.run === run);
  broker.approve({ plugin: waiting, workspace: 'red', by });
  expect(await ended).toMatchObject({ status: 'succeeded' });
});

test('what is kept in one workspace is not read in another, nor by a workflow named like one of it', async () => {
  const keeper = await stage.install('keeper', {
    permissions: [['state', '*']],
    code: `async ({ config, context }) => {
      if (config.keep === 1) await context.state.set('k', 'of blue');
      return { out: await context.state.get('k') };
    }`,
  });
  stage.hub.broker.approve({ plugin: keeper, by });
  const blue = await stage.start(keeper, 'blue', { keep: 1 });
  await blue.finished;
  expect(await stage.play(keeper, 'blue')).toBe('of blue');
  for (const workspace of ['red', 'default'])
    expect(await stage.play(keeper, workspace)).toBeNull();
  const named = { ...oneNode(keeper), name: '["blue","Attack"]' };
  const { run, finished } = await stage.hub.engine.start(named);
  expect(await finished).toMatchObject({ status: 'succeeded' });
  expect(stage.outOf(run)).toBeNull();
});

test('a plugin cannot say which workspace it calls from', async () => {
  const code = `async ({ context }) => ({ out: await context.call('fs.read', 'stat', { path: '~/x', workspace: 'blue' }) })`;
  const liar = await stage.install('liar', { code, permissions: [['fs.read', '~/**']] });
  stage.hub.broker.approve({ plugin: liar, workspace: 'blue', by });
  expect(await stage.play(liar, 'red')).toBe('STEP_INPUT_INVALID');
});

test.each(['', '*', 'Blue', 'blue ', '../blue', 'blue:x', 'bl\u202Eue', 'b'.repeat(64), null, 7])(
  'no run starts, and nothing is decided, in a workspace named %j',
  async (workspace) => {
    const code = '() => ({ out: 0 })';
    const guest = await stage.install('guest', { code, permissions: [['fs.read', '~/**']] });
    const app = createApp(stage.hub, () => undefined);
    const post = async (path: string, body: object): Promise<unknown> => {
      const answer = await app.request(path, { method: 'POST', body: JSON.stringify(body) });
      return [answer.status, ((await answer.json()) as { readonly code?: string }).code];
    };
    const refused = [400, 'HUB_REQUEST_INVALID'];
    const workflow = oneNode(guest);
    expect(await post('/api/v1/runs', { workflow, workspace })).toEqual(refused);
    expect(await post('/api/v1/runs/activations', { workflow, workspace })).toEqual(refused);
    for (const act of ['approve', 'deny', 'revoke']) {
      const decision = { plugin: guest, workspace, by };
      expect(await post(`/api/v1/permissions/${act}`, decision)).toEqual(refused);
    }
    expect(stage.hub.store.runs.list({ limit: 1 })).toEqual([]);
    expect(stage.hub.broker.list()).toEqual([]);
  },
);
