import * as Type from 'typebox';
import type { Static } from 'typebox';
import { ImageHandle } from './blob.ts';

const closed = { additionalProperties: false } as const;
const Pixels = Type.Integer({ minimum: -32_768, maximum: 32_767 });
const Extent = Type.Integer({ minimum: 1, maximum: 32_768 });

/**
 * A part of the screen in logical pixels (multiplied by the screen's scale). Inside a window when `window`
 * names one (its title, exact, or a prefix before a final `*`), else of the whole screen.
 * Without x, y, width and height: the whole window or screen.
 */
export const Area = Type.Object(
  {
    window: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
    x: Type.Optional(Pixels),
    y: Type.Optional(Pixels),
    width: Type.Optional(Extent),
    height: Type.Optional(Extent),
  },
  closed,
);
export type Area = Static<typeof Area>;

/** A point in logical pixels, inside a window when `window` names one. */
export const Point = Type.Object(
  { window: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })), x: Pixels, y: Pixels },
  closed,
);
export type Point = Static<typeof Point>;

/** Operations of the capability `screen.capture`. */
export const ScreenOperations = {
  capture: {
    args: Type.Object({ area: Area }, closed),
    result: ImageHandle,
  },
  /** Whether an area looks, to the pixel, as a picture of it did; keeps no picture. */
  compare: {
    args: Type.Object(
      { area: Area, width: Extent, sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }) },
      closed,
    ),
    result: Type.Object({ same: Type.Boolean(), takenAt: Type.Number() }, closed),
  },
  /** Resolves at the first change of pixels inside `area` after the change numbered `after` (0: from now). */
  'wait-for-change': {
    args: Type.Object(
      { area: Area, after: Type.Integer({ minimum: 0 }), timeoutMs: Type.Integer({ minimum: 1 }) },
      closed,
    ),
    result: Type.Object(
      { change: Type.Integer(), changedAt: Type.Number(), timedOut: Type.Boolean() },
      closed,
    ),
  },
} as const;

/** Operations of the capability `input.mouse`; the target is the window or region that `at` lies in. */
export const MouseOperations = {
  act: {
    args: Type.Object(
      {
        action: Type.Unsafe<'move' | 'click' | 'double' | 'drag' | 'scroll'>({
          enum: ['move', 'click', 'double', 'drag', 'scroll'],
        }),
        at: Point,
        /** Where a drag ends. */
        to: Type.Optional(Point),
        button: Type.Unsafe<'left' | 'middle' | 'right'>({ enum: ['left', 'middle', 'right'] }),
        /** Wheel notches; up is negative. */
        notches: Type.Optional(Type.Integer({ minimum: -100, maximum: 100 })),
      },
      closed,
    ),
    /** Physical pixels of the screen where it was done, and when. */
    result: Type.Object({ x: Type.Integer(), y: Type.Integer(), actedAt: Type.Number() }, closed),
  },
} as const;

/** What reading a picture gives; `value` is null when no number could be made out with certainty. */
export const Reading = Type.Object(
  {
    value: Type.Union([Type.Number(), Type.Null()]),
    text: Type.String(),
    /** 0 to 100. */
    confidence: Type.Number(),
    box: Type.Union([
      Type.Null(),
      Type.Object(
        { x: Type.Integer(), y: Type.Integer(), width: Type.Integer(), height: Type.Integer() },
        closed,
      ),
    ]),
  },
  closed,
);
export type Reading = Static<typeof Reading>;

/** Operations of the capability `ocr.read`. Boxes are in physical pixels of the picture. */
export const OcrOperations = {
  'read-number': { args: Type.Object({ image: ImageHandle }, closed), result: Reading },
  'read-text': { args: Type.Object({ image: ImageHandle }, closed), result: Reading },
  /** Every line of text that can be made out, with its box. */
  'find-text': {
    args: Type.Object(
      { image: ImageHandle, text: Type.Optional(Type.String({ maxLength: 200 })) },
      closed,
    ),
    result: Type.Object({ found: Type.Array(Reading) }, closed),
  },
} as const;
