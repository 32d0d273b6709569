import type { HostFrame, HubFrame } from './wire.ts';
import { MAX_FRAME_BYTES, MAX_JSON_DEPTH } from './wire.ts';

const HEADER_BYTES = 4;
// Marked pure so that bundles for isolates, which have no TextEncoder, leave it out.
const encoder = /* @__PURE__ */ new TextEncoder();

/** Bytes or text that are not a frame; whoever reads from the other side ends the connection. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
}

/** The bytes of one frame. Throws FrameError when its JSON is longer than MAX_FRAME_BYTES. */
export function encodeFrame(frame: HubFrame | HostFrame): Uint8Array {
  return encodeFrameText(JSON.stringify(frame));
}

/** The bytes of one frame whose JSON text is already made. Throws FrameError when it is longer than MAX_FRAME_BYTES. */
export function encodeFrameText(text: string): Uint8Array {
  if (text.length > MAX_FRAME_BYTES) throw tooLong(text.length);
  const body = encoder.encode(text);
  if (body.length > MAX_FRAME_BYTES) throw tooLong(body.length);
  const bytes = new Uint8Array(HEADER_BYTES + body.length);
  for (let at = 0; at < HEADER_BYTES; at += 1) bytes[at] = body.length >>> (at * 8);
  bytes.set(body, HEADER_BYTES);
  return bytes;
}

/** Cuts a byte stream into the JSON texts of its frames; holds at most one unfinished frame. */
export class FrameDecoder {
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  #chunks: Uint8Array[] = [];
  #size = 0;
  #need = HEADER_BYTES;

  /** True between a frame's first and its last byte. */
  get partial(): boolean {
    return this.#size > 0;
  }

  /** Takes the next bytes and returns the frames they complete. Throws FrameError on a length over MAX_FRAME_BYTES or text that is not UTF-8. */
  push(chunk: Uint8Array): string[] {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    if (this.#size < this.#need) return [];
    return this.#cut(this.#chunks.length === 1 ? chunk : join(this.#chunks, this.#size));
  }

  #cut(bytes: Uint8Array): string[] {
    const texts: string[] = [];
    let at = 0;
    this.#need = HEADER_BYTES;
    while (bytes.length - at >= HEADER_BYTES) {
      const length = lengthAt(bytes, at);
      if (length > MAX_FRAME_BYTES) throw tooLong(length);
      this.#need = HEADER_BYTES + length;
      if (bytes.length - at < this.#need) break;
      texts.push(this.#text(bytes.subarray(at + HEADER_BYTES, at + this.#need)));
      at += this.#need;
      this.#need = HEADER_BYTES;
    }
    this.#chunks = at === bytes.length ? [] : [bytes.subarray(at)];
    this.#size = bytes.length - at;
    return texts;
  }

  #text(bytes: Uint8Array): string {
    try {
      return this.#decoder.decode(bytes);
    } catch {
      throw new FrameError('a frame is not UTF-8');
    }
  }
}

/** The value of a frame's JSON text, not yet checked against a schema. Throws FrameError on bad JSON, more than MAX_JSON_DEPTH levels or a key `__proto__`. */
export function parseFrameText(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new FrameError('a frame is not JSON');
  }
  if (mayBeDeep(text) || text.includes('__proto__') || text.includes('\\u')) walk(value, 1);
  return value;
}

/** u32, little-endian; by hand, since making a DataView for each read costs more than all the rest. */
function lengthAt(bytes: Uint8Array, at: number): number {
  let length = 0;
  for (let byte = HEADER_BYTES - 1; byte >= 0; byte -= 1)
    length = length * 0x100 + (bytes[at + byte] ?? 0);
  return length;
}

function tooLong(length: number): FrameError {
  return new FrameError(`a frame of ${String(length)} bytes is over ${String(MAX_FRAME_BYTES)}`);
}

function join(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/** False when the text opens so few objects and arrays that it can't be too deep; saves the walk for small frames. */
function mayBeDeep(text: string): boolean {
  let opened = 0;
  for (const opener of ['{', '[']) {
    for (let at = text.indexOf(opener); at !== -1; at = text.indexOf(opener, at + 1)) {
      opened += 1;
      if (opened > MAX_JSON_DEPTH) return true;
    }
  }
  return false;
}

function walk(value: unknown, depth: number): void {
  if (typeof value !== 'object' || value === null) return;
  if (depth > MAX_JSON_DEPTH) throw new FrameError('a frame is nested too deep');
  if (Array.isArray(value)) {
    for (const item of value) walk(item, depth + 1);
    return;
  }
  if (Object.hasOwn(value, '__proto__')) throw new FrameError('a frame has a key __proto__');
  for (const item of Object.values(value)) walk(item, depth + 1);
}
