/** Where a text stops being JSON, and what could stand there. */
export interface Fault {
  readonly where: number;
  readonly expected: string;
}

/** Finds the fault in a text that JSON.parse refused; its depth was checked. */
export function faultOf(text: string): Fault {
  const walk = new Walk(text);
  try {
    walk.whole();
  } catch (error) {
    if (error instanceof Stop) return error.fault;
    throw error;
  }
  return { where: text.length, expected: 'JSON' };
}

// One character a round: longer pieces in a repetition would be tried in every division.
const SPACE = /[ \t\n\r]*/uy;
const STRING = /"(?:[^"\\\p{Cc}]|[\u007f-\u009f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/uy;
const SCALAR = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-])/uy;

class Walk {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  whole(): void {
    this.#value();
    this.#skip(SPACE);
    this.#need(this.#at === this.#text.length, 'the end of the text');
  }

  #value(): void {
    if (this.#take('{')) return this.#list('}', () => this.#member());
    if (this.#take('[')) return this.#list(']', () => this.#value());
    const isText = this.#text[this.#at] === '"';
    const found = this.#skip(STRING) || this.#skip(SCALAR);
    this.#need(found, isText ? 'a well-formed string' : 'a value');
  }

  #member(): void {
    this.#skip(SPACE);
    this.#need(this.#skip(STRING), 'a key in double quotes');
    this.#need(this.#take(':'), '“:”');
    this.#value();
  }

  #list(end: string, one: () => void): void {
    if (this.#take(end)) return;
    for (one(); !this.#take(end); one()) this.#need(this.#take(','), `“,” or “${end}”`);
  }

  /** Takes a sign after white space. */
  #take(sign: string): boolean {
    this.#skip(SPACE);
    if (this.#text[this.#at] !== sign) return false;
    this.#at += 1;
    return true;
  }

  #skip(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at;
    if (!pattern.test(this.#text)) return false;
    this.#at = pattern.lastIndex;
    return true;
  }

  #need(found: boolean, expected: string): void {
    if (!found) throw new Stop({ where: this.#at, expected });
  }
}

class Stop extends Error {
  readonly fault: Fault;

  constructor(fault: Fault) {
    super(fault.expected);
    this.fault = fault;
  }
}
