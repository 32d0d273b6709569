import { HubError, codeOf, type StepContext } from '@runtime-hub/plugin-sdk';
import type { Area, ImageHandle } from '@runtime-hub/plugin-sdk/contract';

/** Looks again and throws SCREEN_TARGET_CHANGED unless every pixel is as it was in `seen`. */
export async function checkUnchanged(
  context: Pick<StepContext, 'call'>,
  config: { readonly window?: string; readonly watch?: Area },
  seen: ImageHandle,
): Promise<void> {
  const target = config.window === undefined ? 'The screen' : `Window “${config.window}”`;
  const now = await compare(context, config, seen).catch((error: unknown) => {
    if (codeOf(error) !== 'SCREEN_TARGET_NOT_FOUND') throw error;
    throw new HubError('SCREEN_TARGET_CHANGED', { target, detail: 'it is not where it was' });
  });
  if (now.same) return;
  const ageMs = Math.round(now.takenAt - seen.takenAt);
  throw new HubError('SCREEN_TARGET_CHANGED', {
    target,
    detail: `it looks different than ${String(ageMs)} ms before`,
  });
}

interface Compared {
  readonly same: boolean;
  readonly takenAt: number;
}

async function compare(
  context: Pick<StepContext, 'call'>,
  { watch, window }: { readonly window?: string; readonly watch?: Area },
  seen: ImageHandle,
): Promise<Compared> {
  const area = watch ?? (await areaOf(context, window, seen));
  const { width, blob } = seen;
  const args = { area, width, sha256: blob.sha256 };
  // SAFETY: the broker checked the result against the contract.
  return (await context.call('screen.capture', 'compare', args)) as unknown as Compared;
}

/**
 * The area that `seen` was taken of, in logical pixels: of the window when one is named, so that a grant for that
 * window is enough. A window that moved in the meantime gives another area and so another picture: no click.
 */
async function areaOf(
  context: Pick<StepContext, 'call'>,
  window: string | undefined,
  seen: ImageHandle,
): Promise<Area> {
  const logical = (physical: number): number => Math.round(physical / seen.scale);
  const size = { width: logical(seen.width), height: logical(seen.height) };
  if (window === undefined) return { x: logical(seen.x), y: logical(seen.y), ...size };
  const corner = await capture(context, { window, x: 0, y: 0, width: 1, height: 1 });
  return { window, x: logical(seen.x - corner.x), y: logical(seen.y - corner.y), ...size };
}

async function capture(context: Pick<StepContext, 'call'>, area: Area): Promise<ImageHandle> {
  const image = await context.call('screen.capture', 'capture', { area });
  // SAFETY: the broker checked the result against the contract.
  return image as unknown as ImageHandle;
}
