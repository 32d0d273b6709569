import * as Type from 'typebox';
import type { TSchema } from 'typebox';
import type { CapabilityName } from './capability.ts';
import { ReadOperations, WriteOperations } from './files.ts';
import { HttpOperations } from './http.ts';
import { EndOperations, ListOperations, RunOperations } from './process.ts';
import { MouseOperations, OcrOperations, ScreenOperations } from './screen.ts';

export type Operations = Readonly<
  Record<string, { readonly args: TSchema; readonly result: TSchema }>
>;

const closed = { additionalProperties: false } as const;

export const ClockOperations = {
  /** Milliseconds since 1970. */
  now: { args: Type.Object({}, closed), result: Type.Object({ now: Type.Number() }, closed) },
} as const;

export const RandomOperations = {
  /** Unguessable bytes as hex. */
  bytes: {
    args: Type.Object({ count: Type.Integer({ minimum: 1, maximum: 1024 }) }, closed),
    result: Type.Object({ hex: Type.String() }, closed),
  },
} as const;

/** What may be asked of each capability whose operations are fixed here; `log`, `state` and `blobs` check their own. */
export const OPERATIONS: Readonly<Partial<Record<CapabilityName, Operations>>> = {
  'screen.capture': ScreenOperations,
  'input.mouse': MouseOperations,
  'ocr.read': OcrOperations,
  'net.http': HttpOperations,
  'fs.read': ReadOperations,
  'fs.write': WriteOperations,
  'process.run': RunOperations,
  'process.list': ListOperations,
  'process.end': EndOperations,
  // A secret is used by naming it in a request, never by itself.
  'secrets.use': {},
  clock: ClockOperations,
  random: RandomOperations,
};
