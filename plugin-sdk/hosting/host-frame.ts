import { Ajv, type ValidateFunction } from 'ajv';
import { FrameError, HostFrame, parseFrameText } from '../contract/index.ts';

const ajv = new Ajv({ strict: false, validateSchema: false });
/** Compiled when the first frame of that kind comes: one kind at a time, since a union tries, and fails, all before it. */
const known = new Map<unknown, ValidateFunction<HostFrame> | null>();

/** Parses the text of a frame that came from a host. Throws FrameError unless it is exactly one of HostFrame. */
export function parseHostFrame(text: string): HostFrame {
  const value = parseFrameText(text);
  if (isGoodReply(value)) return value;
  const kind = typeof value === 'object' && value !== null && 't' in value ? value.t : null;
  const check = checkOf(kind);
  if (check === null)
    throw new FrameError('a frame does not fit: it is of no kind that hosts send');
  if (check(value)) return value;
  const error = check.errors?.at(-1);
  throw new FrameError(
    `a frame does not fit: ${error?.instancePath ?? ''} ${error?.message ?? ''}`,
  );
}

function checkOf(kind: unknown): ValidateFunction<HostFrame> | null {
  const found = known.get(kind);
  if (found !== undefined) return found;
  const anyOf = kindsIn(HostFrame).filter((schema) => schema.properties.t.const === kind);
  if (anyOf.length === 0) return null;
  const check = ajv.compile<HostFrame>({ anyOf });
  known.set(kind, check);
  return check;
}

interface Kind {
  readonly properties: { readonly t: { readonly const: string } };
}

/** The frames of a union, and of the unions in it. */
function kindsIn(schema: object): readonly Kind[] {
  // SAFETY: the contract's frames are objects with a constant `t`, or unions of them.
  if ('anyOf' in schema) return (schema.anyOf as readonly object[]).flatMap(kindsIn);
  return [schema as Kind];
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
