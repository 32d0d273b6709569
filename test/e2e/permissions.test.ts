import { pluginId, type WorkflowDocument } from '@runtime-hub/plugin-sdk/contract';
import { expect, test } from 'vitest';
import { openHub } from '../../studio/server/hub.ts';
import { openDisplay } from '../support/display.ts';
import { eventOf, installBuiltIns, temporaryFolder } from '../support/hub.ts';

const SCREEN = pluginId('core/screen');

function oneNode(type: string, config: Record<string, number>): WorkflowDocument {
  return {
    format: 'runtime-hub/workflow@1',
    name: 'One node',
    nodes: { only: { type, config } },
    edges: [],
  };
}

test(
  'a run without a grant waits, says who asks for what, and goes on after the approval',
  { timeout: 60_000 },
  async () => {
    using folder = temporaryFolder('permissions');
    await using display = await openDisplay({ size: '320x240', windowManager: false });
    await using hub = await openHub({ folder: folder.path, display: display.name });
    await installBuiltIns(hub, ['core/screen'], { approve: false });
    const { finished } = await hub.engine.start(oneNode('core/screen:capture', {}));
    const waiting = await eventOf(hub, 'step.waiting');
    expect(waiting).toMatchObject({
      plugin: SCREEN,
      permissions: [{ capability: 'screen.capture', target: '*' }],
    });
    hub.broker.approve({ plugin: SCREEN, by: 'test' });
    expect(await finished).toMatchObject({ status: 'succeeded' });
  },
);

test('a revoke aborts the step that is using the grant', { timeout: 60_000 }, async () => {
  using folder = temporaryFolder('permissions');
  await using display = await openDisplay({ size: '320x240', windowManager: false });
  await using hub = await openHub({ folder: folder.path, display: display.name });
  await installBuiltIns(hub, ['core/screen']);
  const area = { x: 0, y: 0, width: 4, height: 4, timeoutMs: 3_000_000 };
  const { finished } = await hub.engine.start(oneNode('core/screen:wait-for-change', area));
  await eventOf(hub, 'capability.used', (event) => event.operation === 'wait-for-change');
  hub.broker.revoke({ plugin: SCREEN, capability: 'screen.capture', by: 'test' });
  const failed = await eventOf(hub, 'step.failed');
  expect(failed.error.code).toBe('CAPABILITY_REVOKED');
  expect(await finished).toMatchObject({ status: 'failed' });
});
