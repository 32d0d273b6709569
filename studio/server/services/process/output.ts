import type { Readable } from 'node:stream';

export interface OutputOptions {
  readonly maxBytes: number;
  readonly redact: (text: string) => string;
  /** Takes pieces, whole lines where there are any. */
  readonly onText: (text: string) => void;
  /** False: nothing is told until the program has ended, so that no secret can be told in parts. */
  readonly live: boolean;
}

export interface Kept {
  readonly text: string;
  readonly truncated: boolean;
}

/** No form of a secret is longer. What is kept goes so far beyond what is given, so that a secret at the cut is seen whole. */
const OVERLAP_BYTES = 65_536;
/** As JSON, so that a result fits a frame even when every byte needs an escape. */
const MAX_JSON_BYTES = 480_000;
const PIECE_LENGTH = 8192;
const PIECE_MS = 100;
/** What is dropped is read no faster than this, so that a flood costs the hub little: 1 MiB each 10 ms. */
const DROP_BYTES = 1_048_576;
const DROP_MS = 10;

/** Reads all that a program writes, keeps the beginning of it, and tells it piece by piece. */
export class Output {
  readonly #options: OutputOptions;
  readonly #chunks: Buffer[] = [];
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  #size = 0;
  #dropped = 0;
  /** Text that was not told yet. */
  #pending = '';
  #timer: NodeJS.Timeout | null = null;

  constructor(stream: Readable, options: OutputOptions) {
    this.#options = options;
    stream.on('error', () => undefined);
    stream.on('data', (chunk: Buffer) => this.#take(stream, chunk));
  }

  /** Tells the rest and gives what was kept, redacted, cut where no character and no secret is. */
  finish(): Kept {
    const { maxBytes, redact, live } = this.#options;
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    const kept = cutText(Buffer.concat(this.#chunks), maxBytes, redact);
    const text = fitJson(kept);
    if (!live) this.#pending = text;
    while (this.#pending !== '') this.#tell(Math.min(this.#pending.length, PIECE_LENGTH));
    return { text, truncated: this.#size > maxBytes || text !== kept };
  }

  #take(stream: Readable, chunk: Buffer): void {
    const { maxBytes, live } = this.#options;
    const room = maxBytes + OVERLAP_BYTES - this.#size;
    const told = Math.max(0, maxBytes - this.#size);
    this.#size += chunk.length;
    if (room > 0) this.#chunks.push(chunk.subarray(0, room));
    else this.#drop(stream, chunk.length);
    if (!live || told === 0) return;
    this.#pending += this.#decoder.decode(chunk.subarray(0, told), { stream: true });
    this.#timer ??= setInterval(() => this.#tellLines(), PIECE_MS).unref();
  }

  #drop(stream: Readable, size: number): void {
    this.#dropped += size;
    if (this.#dropped < DROP_BYTES) return;
    this.#dropped = 0;
    stream.pause();
    setTimeout(() => stream.resume(), DROP_MS).unref();
  }

  #tellLines(): void {
    const lines = this.#pending.lastIndexOf('\n', PIECE_LENGTH - 1) + 1;
    const length = lines > 0 ? lines : this.#pending.length >= PIECE_LENGTH ? PIECE_LENGTH : 0;
    if (length > 0) this.#tell(length);
  }

  #tell(length: number): void {
    const end = isHighSurrogate(this.#pending, length - 1) && length > 1 ? length - 1 : length;
    const piece = this.#pending.slice(0, end);
    this.#pending = this.#pending.slice(end);
    this.#options.onText(this.#options.redact(piece));
  }
}

const isHighSurrogate = (text: string, at: number): boolean =>
  at < text.length - 1 && (text.charCodeAt(at) & 0xfc00) === 0xd800;

/** At most `maxBytes` of the beginning. Where a secret lies over the cut, the cut goes before it. */
function cutText(bytes: Buffer, maxBytes: number, redact: (text: string) => string): string {
  if (bytes.length <= maxBytes) return redact(bytes.toString('utf8'));
  for (let back = 0, step = 1; back < maxBytes; step *= 2, back += step) {
    const at = characterStart(bytes, maxBytes - back);
    if (isSafeCut(bytes, at, redact)) return redact(bytes.subarray(0, at).toString('utf8'));
  }
  return '';
}

function isSafeCut(bytes: Buffer, at: number, redact: (text: string) => string): boolean {
  const before = bytes.subarray(Math.max(0, at - OVERLAP_BYTES), at).toString('utf8');
  const after = bytes.subarray(at, at + OVERLAP_BYTES).toString('utf8');
  return redact(before) + redact(after) === redact(before + after);
}

/** The nearest place at or before `at` where no character of UTF-8 (RFC 3629) is cut. */
function characterStart(bytes: Buffer, at: number): number {
  for (let start = at; start > at - 4 && start > 0; start -= 1)
    if (((bytes[start] ?? 0) & 0xc0) !== 0x80) return start;
  return at;
}

/** The longest beginning whose JSON is short enough. */
function fitJson(text: string): string {
  if (text.length * 6 <= MAX_JSON_BYTES || jsonBytes(text) <= MAX_JSON_BYTES) return text;
  let [fits, over] = [0, text.length];
  while (over - fits > 1) {
    const middle = Math.floor((fits + over) / 2);
    if (jsonBytes(text.slice(0, middle)) <= MAX_JSON_BYTES) fits = middle;
    else over = middle;
  }
  return text.slice(0, isHighSurrogate(text, fits - 1) ? fits - 1 : fits);
}

const jsonBytes = (text: string): number => Buffer.byteLength(JSON.stringify(text));
