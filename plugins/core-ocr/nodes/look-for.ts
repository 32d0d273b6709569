import type { StepContext } from '@runtime-hub/plugin-sdk';
import type { ImageHandle, Reading } from '@runtime-hub/plugin-sdk/contract';

/** Lines of `image` that contain `text`. */
export async function lookFor(
  context: Pick<StepContext, 'call'>,
  image: ImageHandle,
  text: string,
): Promise<Reading[]> {
  const result = await context.call('ocr.read', 'find-text', { image, text });
  // SAFETY: the broker checked the result against the contract.
  return (result as unknown as { found: Reading[] }).found;
}
