import type { StepContext } from '@runtime-hub/plugin-sdk';
import type { Area } from '@runtime-hub/plugin-sdk/contract';
import type { Change } from '../screen-driver.ts';

/** Asks the hub to wait for a change; see ScreenOperations of the contract. */
export async function waitForChange(
  context: Pick<StepContext, 'call'>,
  args: { readonly area: Area; readonly after: number; readonly timeoutMs: number },
): Promise<Change> {
  const result = await context.call('screen.capture', 'wait-for-change', args);
  // SAFETY: the broker checked the result against the contract.
  return result as unknown as Change;
}
