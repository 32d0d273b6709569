import { parseRegion, targetCovers, type CapabilityName } from './capability.ts';
import type { Json } from './json.ts';
import type { Area, Point } from './screen.ts';

/**
 * The targets one use needs, every one of which must be granted; `args` have passed their schema.
 * Numbers are taken as given, in logical pixels.
 */
export function targetsOf(capability: CapabilityName, args: Json): readonly string[] {
  switch (capability) {
    case 'screen.capture': {
      // SAFETY: every operation of the capability takes an area; its schema was checked.
      return [areaTarget((args as { readonly area: Area }).area)];
    }
    case 'input.mouse': {
      // SAFETY: the schema of `act` was checked.
      const { at, to } = args as { readonly at: Point; readonly to?: Point };
      return to === undefined ? [pointTarget(at)] : [pointTarget(at), pointTarget(to)];
    }
    case 'ocr.read':
    case 'state':
    case 'blobs':
    case 'log':
      return ['*'];
    default: {
      const never: never = capability;
      return never;
    }
  }
}

function areaTarget({ window, x, y, width, height }: Area): string {
  if (window !== undefined) return `window=${window}`;
  if (x === undefined || y === undefined || width === undefined || height === undefined) return '*';
  return `region=${String(x)},${String(y)},${String(width)},${String(height)}`;
}

function pointTarget({ window, x, y }: Point): string {
  return window === undefined ? `region=${String(x)},${String(y)},1,1` : `window=${window}`;
}

/** True when two targets may share a pixel; a window and a region are taken as apart, since windows move. */
export function targetsOverlap(one: string, other: string): boolean {
  if (targetCovers(one, other) || targetCovers(other, one)) return true;
  const [a, b] = [parseRegion(one), parseRegion(other)];
  if (a === null || b === null) return false;
  const across = a.x < b.x + b.width && b.x < a.x + a.width;
  return across && a.y < b.y + b.height && b.y < a.y + a.height;
}
