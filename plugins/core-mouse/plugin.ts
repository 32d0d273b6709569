import { definePlugin, type Operation, type PluginDefinition } from '@runtime-hub/plugin-sdk';
import type { ServeContext } from '@runtime-hub/plugin-sdk';
import type { Acted, MouseAct, MouseDriver } from './mouse-driver.ts';
import { clickNode } from './nodes/click.ts';
import { doubleNode } from './nodes/double.ts';
import { dragNode } from './nodes/drag.ts';
import { moveNode } from './nodes/move.ts';
import { scrollNode } from './nodes/scroll.ts';
import { pickMouseDriver } from './pick-driver.ts';

/** core/mouse on a driver; `driver` is asked for when the first operation is served. */
export function mousePlugin(driver: () => MouseDriver): PluginDefinition {
  return definePlugin({
    id: 'core/mouse',
    version: '1.0.0',
    title: 'Mouse',
    description: 'Moves the mouse, clicks, drags and scrolls, after a last look at the target.',
    engine: '>=0.1.0',
    runtime: 'driver',
    permissions: [
      {
        capability: 'input.mouse',
        target: '*',
        ratePerSecond: 10,
        reason: 'Its nodes move and click where you choose in the workflow.',
      },
      {
        capability: 'screen.capture',
        target: '*',
        reason: 'It looks at the target again right before it presses.',
      },
    ],
    provides: { 'input.mouse': operations(driver) },
    nodes: [moveNode, clickNode, doubleNode, dragNode, scrollNode],
  });
}

function operations(driver: () => MouseDriver): Readonly<Record<string, Operation>> {
  return {
    async act(request: {
      readonly args: MouseAct;
      readonly context: ServeContext;
    }): Promise<Acted> {
      const { signal, log } = request.context;
      return await driver().act(request.args, { signal, warn: (text) => log.warn(text) });
    },
  };
}

let chosen: MouseDriver | null = null;

// In its host at once, so that the first click finds the display open; elsewhere only when it is asked for.
if (globalThis.process?.env['HUB_BLOBS_IN'] !== undefined) chosen = pickMouseDriver();

export default mousePlugin(() => (chosen ??= pickMouseDriver()));
