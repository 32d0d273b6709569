import type { WorkflowDocument } from '@runtime-hub/plugin-sdk/contract';
import { expect, test } from 'vitest';
import { openStage, WINDOW_TITLE } from '../../studio/server/demo/stage.ts';
import { openHub } from '../../studio/server/hub.ts';
import { eventOf, installBuiltIns, temporaryFolder } from '../support/hub.ts';

function waitFor(text: string, timeoutMs: number): WorkflowDocument {
  const config = { window: WINDOW_TITLE, text, timeoutMs };
  return {
    format: 'runtime-hub/workflow@1',
    name: `Wait for ${text}`,
    nodes: { wait: { type: 'core/ocr:wait-for-text', config } },
    edges: [],
  };
}

test(
  'a text is found in a window, also one that comes later; one that never comes is a time-out',
  { timeout: 90_000 },
  async () => {
    using folder = temporaryFolder('wait-for-text');
    await using stage = await openStage({ scale: 1 });
    await using hub = await openHub({ folder: folder.path, display: stage.display });
    await installBuiltIns(hub, ['core/screen', 'core/ocr']);
    const outputs = async (text: string, timeoutMs: number) => {
      const { run, finished } = await hub.engine.start(waitFor(text, timeoutMs));
      const { outputs: given } = await eventOf(hub, 'step.finished', (it) => it.run === run);
      expect(await finished).toMatchObject({ status: 'succeeded' });
      return given;
    };
    expect(await outputs('approve batch', 30_000)).toMatchObject({
      found: { text: 'Approve batch' },
    });
    const later = outputs('8642', 30_000);
    await stage.show('8642', { afterMs: 300 });
    expect(await later).toMatchObject({ found: { text: '8642', value: 8642 } });
    expect(await outputs('Reject', 400)).toEqual({ timeout: true });
  },
);
