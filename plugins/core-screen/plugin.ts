import { hash } from 'node:crypto';
import { definePlugin, type Operation, type PluginDefinition } from '@runtime-hub/plugin-sdk';
import type { ServeContext } from '@runtime-hub/plugin-sdk';
import type { Area, ImageHandle } from '@runtime-hub/plugin-sdk/contract';
import { captureNode } from './nodes/capture.ts';
import { screenChangedTrigger } from './nodes/screen-changed.ts';
import { waitForChangeNode } from './nodes/wait-for-change.ts';
import { pickScreenDriver } from './pick-driver.ts';
import type { Change, ScreenDriver } from './screen-driver.ts';

/** core/screen on a driver; `driver` is asked for when the first operation is served. */
export function screenPlugin(driver: () => ScreenDriver): PluginDefinition {
  return definePlugin({
    id: 'core/screen',
    version: '1.0.0',
    title: 'Screen',
    description: 'Takes pictures of the screen and of windows, and tells when they change.',
    engine: '>=0.1.0',
    runtime: 'driver',
    permissions: [
      {
        capability: 'screen.capture',
        target: '*',
        reason: 'Its nodes take pictures of the areas you choose in the workflow.',
      },
      { capability: 'blobs', target: '*', reason: 'Pictures are kept until their run ends.' },
    ],
    provides: { 'screen.capture': operations(driver) },
    nodes: [captureNode, screenChangedTrigger, waitForChangeNode],
  });
}

function operations(driver: () => ScreenDriver): Readonly<Record<string, Operation>> {
  return {
    async capture(request: {
      readonly args: { readonly area: Area };
      readonly context: ServeContext;
    }): Promise<ImageHandle> {
      const { bytes, ...place } = await driver().capture(request.args.area);
      const blob = await request.context.blobs.write(bytes, 'image/x-bgrx');
      return { blob, format: 'bgrx', ...place };
    },
    async compare(request: {
      readonly args: { readonly area: Area; readonly width: number; readonly sha256: string };
    }): Promise<{ readonly same: boolean; readonly takenAt: number }> {
      const { area, width, sha256 } = request.args;
      const frame = await driver().capture(area);
      const same = frame.width === width && hash('sha256', frame.bytes, 'hex') === sha256;
      return { same, takenAt: frame.takenAt };
    },
    async 'wait-for-change'(request: {
      readonly args: { readonly area: Area; readonly after: number; readonly timeoutMs: number };
      readonly context: ServeContext;
    }): Promise<Change> {
      const { args, context } = request;
      return await driver().waitForChange({ ...args, caller: context.caller }, context.signal);
    },
  };
}

let chosen: ScreenDriver | null = null;

export default screenPlugin(() => (chosen ??= pickScreenDriver()));
