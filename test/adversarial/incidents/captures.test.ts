import { pluginId, type HubEvent } from '@runtime-hub/plugin-sdk/contract';
import { beforeAll, expect, test } from 'vitest';
import { buildRuntime } from '../../../plugin-sdk/runtime/build.ts';
import { openDisplay } from '../../support/display.ts';
import { installBuiltIns } from '../../support/hub.ts';
import { openScene, used, type Scene } from './scene.ts';

const SCREEN = pluginId('core/screen');
const GUEST = pluginId('hostile/guest');
const area = { x: 0, y: 0, width: 64, height: 64 };
const code = `async ({ config, context }) => ({ out: await context.call('screen.capture', config.operation, config.args) })`;

beforeAll(buildRuntime);

const LONG = [
  ['capture', { area }],
  ['wait-for-change', { area, after: 0, timeoutMs: 60_000 }],
] as const;

test.each(LONG)(
  'revoked in use, %s of the screen ends within 250 ms, and the plugin that serves it goes on',
  { timeout: 60_000 },
  async (operation, args) => {
    await using display = await openDisplay({ size: '320x240', windowManager: false });
    await using scene = await openScene({ display: display.name });
    const started: number[] = [];
    using _listening = scene.hub.bus.on((event) => started.push(...pidOfScreen(event)));
    await installBuiltIns(scene.hub, ['core/screen']);
    const permissions = [{ capability: 'screen.capture', target: '*', reason: 'To see.' } as const];
    await scene.install({ code, permissions });
    for (const it of [SCREEN, GUEST]) await scene.hub.pool.warm(it);
    const captured = { operation: 'capture', args: { area } };
    expect((await scene.play(captured)).code).toBeNull();
    // A screen that does not answer: the capture is under way for as long as anybody waits.
    display.server.kill('SIGSTOP');
    const inUse = used(scene, 'screen.capture');
    const playing = scene.play({ operation, args });
    await inUse;
    await reached(scene);
    const revokedAt = performance.now();
    scene.hub.broker.revoke({ plugin: GUEST, capability: 'screen.capture', by: 'admin' });
    const { code: ended, audit } = await playing;
    expect(performance.now() - revokedAt).toBeLessThan(250);
    expect(ended).toBe('CAPABILITY_REVOKED');
    expect(audit.at(-1)).toBe('revoked: See the whole screen');
    display.server.kill('SIGCONT');
    expect((await scene.play(captured)).code).toBe('CAPABILITY_NOT_GRANTED');
    scene.hub.broker.approve({ plugin: GUEST, by: 'admin' });
    expect((await scene.play(captured)).code).toBeNull();
    expect(started).toHaveLength(1);
  },
);

const pidOfScreen = (event: HubEvent): readonly number[] =>
  event.type === 'host.started' && event.plugin === SCREEN ? [event.pid] : [];

/** Resolves when the providing plugin has taken what it was asked before: it takes one frame after the other. */
async function reached({ hub }: Scene): Promise<void> {
  const nonsense = { capability: 'screen.capture', operation: 'no-such', args: {} } as const;
  const about = { ...nonsense, caller: GUEST, workspace: 'default' };
  const { signal } = new AbortController();
  await expect(hub.pool.serve(SCREEN, about, signal)).rejects.toThrow();
}
