import type { Point } from '@runtime-hub/plugin-sdk/contract';

/** One act as the contract's MouseOperations describe it; points in logical pixels. */
export interface MouseAct {
  readonly action: 'move' | 'click' | 'double' | 'drag' | 'scroll';
  readonly at: Point;
  readonly to?: Point;
  readonly button: 'left' | 'middle' | 'right';
  readonly notches?: number;
}

/** Where it was done, in physical pixels of the screen, and when (milliseconds since 1970). */
export interface Acted {
  readonly x: number;
  readonly y: number;
  readonly actedAt: number;
}

/**
 * What a platform must be able to do for this plugin. Rejects with SCREEN_UNAVAILABLE, SCREEN_TARGET_NOT_FOUND,
 * SCREEN_TARGET_CHANGED (the named window is not what lies at the point; nothing was pressed) or SCREEN_HALTED.
 */
export interface MouseDriver extends Disposable {
  act(act: MouseAct, options: ActOptions): Promise<Acted>;
}

export interface ActOptions {
  readonly signal: AbortSignal;
  /** Told once when the panic key cannot be had. */
  readonly warn: (text: string) => void;
}
