import type { Area } from '@runtime-hub/plugin-sdk/contract';

/** Pixels of a part of the screen: BGRX, rows without padding; x and y in physical pixels of the screen. */
export interface Frame {
  readonly bytes: Uint8Array;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly scale: number;
  /** Milliseconds since 1970. */
  readonly takenAt: number;
}

export interface ChangeRequest {
  readonly area: Area;
  /** Answer at once when a change with a higher number came already; 0: wait from now. */
  readonly after: number;
  readonly timeoutMs: number;
  /** Who asks: changes are numbered per caller and area. */
  readonly caller: string;
}

export interface Change {
  /** Number of the last change; 1 stands for the area as it was when it was first looked at. */
  readonly change: number;
  readonly changedAt: number;
  readonly timedOut: boolean;
}

/**
 * What a platform must be able to do for this plugin. Rejects with SCREEN_UNAVAILABLE or SCREEN_TARGET_NOT_FOUND
 * (only `capture`: a change may wait for a window that is not open yet).
 */
export interface ScreenDriver extends Disposable {
  capture(area: Area): Promise<Frame>;
  waitForChange(request: ChangeRequest, signal: AbortSignal): Promise<Change>;
}
