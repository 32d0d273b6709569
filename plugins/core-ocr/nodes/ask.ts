import type { StepContext } from '@runtime-hub/plugin-sdk';
import type { ImageHandle, Reading } from '@runtime-hub/plugin-sdk/contract';

type Caller = Pick<StepContext, 'call'>;

/** Asks the hub to read a picture. */
export async function read(
  context: Caller,
  operation: 'read-number' | 'read-text',
  image: ImageHandle,
): Promise<Reading> {
  const result = await context.call('ocr.read', operation, { image });
  // SAFETY: the broker checked the result against the contract.
  return result as unknown as Reading;
}

/** Asks the hub for the lines of a picture that hold `text`. */
export async function find(
  context: Caller,
  image: ImageHandle,
  text: string,
): Promise<readonly Reading[]> {
  const result = await context.call('ocr.read', 'find-text', { image, text });
  // SAFETY: the broker checked the result against the contract.
  return (result as unknown as { readonly found: readonly Reading[] }).found;
}
