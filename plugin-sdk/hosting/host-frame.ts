import { Ajv, type ValidateFunction } from 'ajv';
import { FrameError, HostFrame, parseFrameText } from '../contract/index.ts';

/** Compiled when the first frame needs it, so that a hub starts without it. */
let known: ValidateFunction<HostFrame> | null = null;

/** Parses the text of a frame that came from a host. Throws FrameError unless it is exactly one of HostFrame. */
export function parseHostFrame(text: string): HostFrame {
  const value = parseFrameText(text);
  if (isGoodReply(value)) return value;
  const isHostFrame = (known ??= new Ajv({ strict: false }).compile(HostFrame));
  if (isHostFrame(value)) return value;
  const error = isHostFrame.errors?.at(-1);
  throw new FrameError(
    `a frame does not fit: ${error?.instancePath ?? ''} ${error?.message ?? ''}`,
  );
}

type GoodReply = Extract<HostFrame, { t: 'reply'; ok: true }>;

/** The hot path: a successful reply needs no schema to be known for one. */
function isGoodReply(value: unknown): value is GoodReply {
  if (typeof value !== 'object' || value === null) return false;
  // SAFETY: only read, as unknown, below.
  const { t, id, ok } = value as Readonly<Record<string, unknown>>;
  const fits = t === 'reply' && ok === true && Number.isSafeInteger(id);
  return fits && 'value' in value && Object.keys(value).length === 4;
}

/** True when a frame's text may name a blob; an escaped name counts too. */
export const mayNameBlob = (text: string): boolean =>
  text.includes('$blob') || text.includes('\\u');
