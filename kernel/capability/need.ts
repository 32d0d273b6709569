import {
  targetCovers,
  type Area,
  type CapabilityName,
  type Json,
  type Point,
} from '@runtime-hub/plugin-sdk/contract';

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
  const [a, b] = [sidesOf(one), sidesOf(other)];
  if (a === null || b === null) return false;
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

interface Sides {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

function sidesOf(target: string): Sides | null {
  const match = /^region=(-?\d+),(-?\d+),(\d+),(\d+)$/u.exec(target);
  if (match === null) return null;
  const [left = 0, top = 0, width = 0, height = 0] = match.slice(1).map(Number);
  return { left, top, right: left + width, bottom: top + height };
}
