import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packPlugin } from '@runtime-hub/plugin-sdk/cli';
import type { WorkflowDocument } from '@runtime-hub/plugin-sdk/contract';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { signWithDeveloperKey } from '../../studio/server/store/keys.ts';
import { openDisplay } from '../support/display.ts';
import { temporaryFolder } from '../support/hub.ts';
import { applyPolicy } from '../support/trust.ts';
import { hub, jsonLines, startHub, type Exit, type HubProcess } from './hub-process.ts';

const WATCHER = fileURLToPath(new URL('../fixtures/plugins/watcher', import.meta.url));
const GUEST = 'guest/watcher';
const LONG_MS = 3_000_000;

const opened = new AsyncDisposableStack();
let folder: string;
let served: HubProcess;

beforeAll(async () => {
  folder = opened.use(temporaryFolder('approval')).path;
  const display = opened.use(await openDisplay({ size: '320x240', windowManager: false }));
  applyPolicy(folder, ['guest/*']);
  const artifact = await packPlugin(WATCHER);
  const file = join(folder, 'watcher.tgz');
  writeFileSync(file, artifact);
  writeFileSync(`${file}.bundle.json`, await signWithDeveloperKey(folder, artifact));
  served = opened.use(
    startHub(['start', '--port', '0', '--json', '--data', folder], { DISPLAY: display.name }),
  );
  expect(jsonLines(await served.line(() => true))).toMatchObject([{ folder }]);
  const installed = await ask('plugins', 'install', 'core/screen', file, '--json');
  const ids = [{ manifest: { id: 'core/screen' } }, { manifest: { id: GUEST } }];
  expect(jsonLines(installed.out)).toMatchObject(ids);
});
afterAll(async () => await opened.disposeAsync());

/** A second process that talks to the served hub. */
const ask = async (...args: readonly string[]): Promise<Exit> =>
  await hub([...args, '--data', folder]);

function start(name: string, forMs: number, ...options: readonly string[]): HubProcess {
  const workflow: WorkflowDocument = {
    format: 'runtime-hub/workflow@1',
    name,
    nodes: { look: { type: `${GUEST}:watch`, config: { forMs }, timeoutMs: LONG_MS } },
    edges: [],
  };
  const file = join(folder, `${name}.json`);
  writeFileSync(file, JSON.stringify(workflow));
  return startHub(['run', file, ...options, '--data', folder]);
}

const statusOf = async (): Promise<unknown> => {
  const [list] = jsonLines((await ask('permissions', 'list', '--json')).out);
  // SAFETY: the grants of `hub permissions list`, as the contract has them.
  const grants = list?.['grants'] as unknown as { plugin: string; status: string }[];
  return grants.filter((it) => it.plugin === GUEST).map((it) => it.status);
};

describe('three processes: a hub, a run that needs a permission, and a person who decides', () => {
  test('the run says who asks for what, waits, and succeeds after the approval', async () => {
    await using run = start('waits', 1);
    const line = await run.line((it) => it.includes('step.waiting'));
    expect(line).toContain(
      'look: guest/watcher asks for screen.capture:* — hub permissions approve guest/watcher',
    );
    expect(await statusOf()).toEqual(['requested']);
    expect(run.child.exitCode).toBeNull();
    const approved = await ask('permissions', 'approve', GUEST, '--json');
    expect(approved).toMatchObject({ code: 0, err: '' });
    expect(jsonLines(approved.out)).toMatchObject([
      { grants: [{ plugin: GUEST, status: 'granted', until: null }] },
    ]);
    const { code, out, err } = await run.exit;
    expect(out).toMatch(/run\.finished +succeeded/u);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(served.child.exitCode).toBeNull();
  });

  test('a revoke aborts the step that is using the permission, and the run fails', async () => {
    await ask('permissions', 'approve', GUEST);
    await using run = start('revoked', LONG_MS, '--json');
    await run.line((it) => it.includes('"capability.used"') && it.includes('wait-for-change'));
    const revoked = await ask('permissions', 'revoke', GUEST, '--json');
    expect(jsonLines(revoked.out)).toMatchObject([{ grants: [{ status: 'revoked' }] }]);
    const { code, out, err } = await run.exit;
    const events = jsonLines(out);
    const error = { code: 'CAPABILITY_REVOKED', data: { plugin: GUEST } };
    expect(events.find((it) => it['type'] === 'step.failed')).toMatchObject({ error });
    expect(events.at(-1)).toMatchObject({ type: 'run.finished', status: 'failed', error });
    expect({ code, err }).toEqual({ code: 1, err: '' });
    expect(await statusOf()).toEqual(['revoked']);
  });

  test('a refusal ends the step that waits for it, and any that comes later', async () => {
    const error = { code: 'CAPABILITY_DENIED', data: { plugin: GUEST } };
    const end = { type: 'run.finished', status: 'failed', error };
    await using waiting = start('refused', 1, '--json');
    await waiting.line((it) => it.includes('"step.waiting"'));
    const denied = await ask('permissions', 'deny', GUEST, '--json');
    expect(jsonLines(denied.out)).toMatchObject([
      { grants: [{ plugin: GUEST, status: 'denied' }] },
    ]);
    await using later = start('refused-before', 1, '--json');
    for (const run of [waiting, later]) {
      const { code, out, err } = await run.exit;
      expect(jsonLines(out).at(-1)).toMatchObject(end);
      expect({ code, err }).toEqual({ code: 1, err: '' });
    }
    expect(await statusOf()).toEqual(['denied']);
  });
});

describe('a wrong command says what is wrong, by code', () => {
  const CASES = [
    [['permissions', 'approve', 'guest/nobody'], 'PLUGIN_NOT_INSTALLED', 1],
    [['permissions', 'deny', 'guest/nobody'], 'PLUGIN_NOT_INSTALLED', 1],
    [['permissions', 'revoke', 'guest/nobody'], 'GRANT_NOT_FOUND', 1],
    [['permissions', 'approve', 'no plugin id'], 'HUB_REQUEST_INVALID', 2],
    [['permissions', 'approve', GUEST, '--capability', 'disk.wipe'], 'HUB_REQUEST_INVALID', 2],
    [['permissions', 'approve', GUEST, '--capability', 'input.mouse'], 'HUB_REQUEST_INVALID', 2],
    [['permissions', 'revoke', GUEST, '--capability', 'input.mouse'], 'GRANT_NOT_FOUND', 1],
    [['permissions', 'approve', GUEST, '--for', 'ever'], 'HUB_REQUEST_INVALID', 2],
    [['permissions', 'approve'], 'HUB_REQUEST_INVALID', 2],
    [['permissions', 'allow', GUEST], 'HUB_REQUEST_INVALID', 2],
    [['permissions', 'approve', GUEST, '--everything'], 'HUB_REQUEST_INVALID', 2],
    [['plugins', 'install', 'core/nobody'], 'ARTIFACT_NOT_FOUND', 1],
    [['runs', 'show', 'run-nowhere'], 'RUN_NOT_FOUND', 1],
    [['run', 'no-such-file.json'], 'HUB_REQUEST_INVALID', 2],
  ] as const;

  test.each(CASES)('hub %j: %s, exit code %i', async (args, code, exitCode) => {
    const [asText, asJson] = await Promise.all([ask(...args), ask(...args, '--json')]);
    expect(asText).toMatchObject({ code: exitCode, out: '' });
    expect(asText.err).toMatch(new RegExp(`^hub: ${code}\n  .+\n  → .+\n$`, 'u'));
    expect(asJson).toMatchObject({ code: exitCode, out: '' });
    expect(jsonLines(asJson.err)).toMatchObject([{ code, cure: expect.any(String) }]);
  });

  test('a workflow of an unknown plugin names the place, and the file is wrong', async () => {
    const file = join(folder, 'unknown.json');
    const nodes = { far: { type: 'guest/nobody:walk' } };
    const format = 'runtime-hub/workflow@1';
    writeFileSync(file, JSON.stringify({ format, name: 'Unknown', nodes, edges: [] }));
    const { code, out, err } = await ask('run', file, '--json');
    expect(jsonLines(err)).toMatchObject([
      { code: 'WORKFLOW_INVALID', data: { problems: [{ at: expect.stringContaining('far') }] } },
    ]);
    expect({ code, out }).toEqual({ code: 2, out: '' });
  });
});
