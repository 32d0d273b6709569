import type { StepContext } from '@runtime-hub/plugin-sdk';
import type { Point } from '@runtime-hub/plugin-sdk/contract';
import type { Acted, MouseAct } from '../mouse-driver.ts';

/** Asks the hub for one act; see MouseOperations of the contract. */
export async function act(
  context: Pick<StepContext, 'call'>,
  request: Omit<MouseAct, 'button'> & { readonly button?: MouseAct['button'] },
): Promise<Acted> {
  const result = await context.call('input.mouse', 'act', { button: 'left', ...request });
  // SAFETY: the broker checked the result against the contract.
  return result as unknown as Acted;
}

/** The point a node is set to. */
export function pointOf(config: Point): Point {
  const { window, x, y } = config;
  return window === undefined ? { x, y } : { window, x, y };
}
