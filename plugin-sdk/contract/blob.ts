import * as Type from 'typebox';
import type { Static } from 'typebox';

/**
 * A large value kept outside the channel: the bytes live in the hub's blob store,
 * plugins pass this handle on. `$blob` is an unguessable id; `sha256` is hex of the bytes.
 */
export const BlobHandle = Type.Object(
  {
    $blob: Type.String({ pattern: '^[0-9a-f]{32}$' }),
    mime: Type.String({ maxLength: 100 }),
    sizeBytes: Type.Integer({ minimum: 0 }),
    sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
  },
  { additionalProperties: false },
);
export type BlobHandle = Static<typeof BlobHandle>;

/** A picture: raw pixels, `BGRX`, 4 bytes a pixel, rows without padding, top to bottom; alpha is 0 and means nothing. */
export const ImageHandle = Type.Object(
  {
    blob: BlobHandle,
    width: Type.Integer({ minimum: 1, maximum: 32_768 }),
    height: Type.Integer({ minimum: 1, maximum: 32_768 }),
    format: Type.Literal('bgrx'),
    /** Where its top left corner was on the screen, in physical pixels. */
    x: Type.Integer(),
    y: Type.Integer(),
    /** Physical pixels per logical pixel of the screen it came from. */
    scale: Type.Number({ exclusiveMinimum: 0 }),
    /** When it was taken, milliseconds since 1970. */
    takenAt: Type.Number(),
  },
  { additionalProperties: false },
);
export type ImageHandle = Static<typeof ImageHandle>;
