import { setImmediate as nextTurn } from 'node:timers/promises';
import { patternsOf } from './secret-forms.ts';

/** Hides the values of secrets that were used, in the forms a peer may send them back in. */
export interface Redactor {
  /** From now on hides `value`, also after the secret was changed or removed. */
  add(name: string, value: string): void;
  /** `[secret <name>]` in place of each value. Redact before you cut: half a value is not known again. */
  redact(text: string): string;
  /** The same for bytes; the same buffer when there is nothing to hide. Lets others have their turn on the way. */
  redactBytes(bytes: Buffer): Promise<Buffer>;
}

interface Known {
  readonly mark: Buffer;
  readonly pattern: RegExp;
}

interface Span {
  readonly from: number;
  readonly to: number;
  readonly mark: Buffer;
}

/** How far is looked in one turn with one pattern: some milliseconds. */
const TURN_BYTES = 8_388_608;
const MIN_WINDOW_BYTES = 65_536;
const MAX_WINDOW_BYTES = 262_144;
/** No form of a part is longer: 64 bytes, each as `&#x0000fe;`, are 640. */
const OVERLAP_BYTES = 1024;
/** Then marks become short, so that what a peer repeats does not grow beyond what it sent. */
const MAX_LONG_MARKS = 10_000;
const SHORT_MARK = Buffer.from('*');

export function createRedactor(): Redactor {
  const values = new Set<string>();
  const known: Known[] = [];
  return {
    add(name, value) {
      const id = `${name}=${value}`;
      if (values.has(id)) return;
      values.add(id);
      const mark = Buffer.from(`[secret ${name}]`);
      known.push(...patternsOf(value).map((pattern) => ({ mark, pattern })));
    },
    redact(text) {
      if (known.length === 0 || text === '') return text;
      const bytes = Buffer.from(text);
      const cover = new Cover(bytes);
      cover.hide(spansIn(known, bytes, 0, bytes.length), bytes.length);
      return cover.isEmpty ? text : cover.bytes().toString('utf8');
    },
    async redactBytes(bytes) {
      if (known.length === 0) return bytes;
      const fair = Math.floor(TURN_BYTES / known.length);
      const window = Math.min(MAX_WINDOW_BYTES, Math.max(MIN_WINDOW_BYTES, fair));
      const cover = new Cover(bytes);
      for (let at = 0; at < bytes.length; at += window) {
        if (at > 0) await nextTurn();
        cover.hide(spansIn(known, bytes, at, at + window), at + window);
      }
      return cover.isEmpty ? bytes : cover.bytes();
    },
  };
}

/** What starts within a window, in order; it may end after it. */
function spansIn(known: readonly Known[], bytes: Buffer, from: number, to: number): Span[] {
  // One character a byte, so that places in the text are places in the buffer.
  const text = bytes.toString('latin1', from, Math.min(bytes.length, to + OVERLAP_BYTES));
  const spans: Span[] = [];
  for (const { mark, pattern } of known) {
    for (const { index, 0: found } of text.matchAll(pattern)) {
      if (from + index >= to) break;
      spans.push({ from: from + index, to: from + index + found.length, mark });
    }
  }
  return spans.sort((a, b) => a.from - b.from || b.to - a.to);
}

/** Bytes with marks over spans; one for those that touch, such as parts of one value. */
class Cover {
  readonly #bytes: Buffer;
  readonly #done: Buffer[] = [];
  #end = 0;
  #marks = 0;
  #last: Buffer | null = null;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isEmpty(): boolean {
    return this.#marks === 0;
  }

  /** Takes the spans that start before `until` and after those it had. */
  hide(spans: readonly Span[], until: number): void {
    const parts: Buffer[] = [];
    for (const { from, to, mark } of spans) {
      if (from > this.#end) this.#copy(parts, from);
      if (from === this.#end && this.#last !== mark) {
        this.#marks += 1;
        this.#last = mark;
        parts.push(this.#marks > MAX_LONG_MARKS ? SHORT_MARK : mark);
      }
      this.#end = Math.max(this.#end, to);
    }
    if (until > this.#end) this.#copy(parts, until);
    // A part of its own for each mark would cost more memory than what it hides.
    this.#done.push(spans.length === 0 ? (parts[0] ?? Buffer.alloc(0)) : Buffer.concat(parts));
  }

  bytes(): Buffer {
    return Buffer.concat(this.#done);
  }

  #copy(parts: Buffer[], until: number): void {
    parts.push(this.#bytes.subarray(this.#end, until));
    this.#end = Math.min(until, this.#bytes.length);
    this.#last = null;
  }
}
