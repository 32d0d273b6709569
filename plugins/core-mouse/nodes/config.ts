import * as Type from '@runtime-hub/plugin-sdk/schema';
import { MouseOperations, Point } from '@runtime-hub/plugin-sdk/contract';

export const closed = { additionalProperties: false } as const;

/** Which button; the left one when it is left out. */
export const Button = Type.Optional(
  Type.Unsafe<'left' | 'middle' | 'right'>({
    enum: ['left', 'middle', 'right'],
    default: 'left',
  }),
);

/** The point and button that move, click and double are set with. */
export const Spot = Type.Object({ ...Point.properties, button: Button }, closed);

/** Where it was done, in physical pixels of the screen, and when (milliseconds since 1970). */
export const Done = MouseOperations.act.result;
