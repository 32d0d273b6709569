const LINES_PER_SECOND = 100;
const CHARACTERS_PER_SECOND = 65_536;
const MAX_TEXT = 8192;
const LEVELS = ['debug', 'info', 'warn', 'error'];

/** Lets a bounded amount of log through each second and drops the rest; takes control characters out. */
export class LogLimit {
  #second = 0;
  #lines = 0;
  #characters = 0;

  /** The line to send; null when it goes over the limit or is malformed. */
  pass(level: unknown, text: unknown): { readonly level: string; readonly text: string } | null {
    const name = LEVELS.find((known) => known === level);
    if (name === undefined || typeof text !== 'string') return null;
    if (!this.allows(text.length)) return null;
    return { level: name, text: text.slice(0, MAX_TEXT).replaceAll(/\p{Cc}/gu, ' ') };
  }

  /** Counts a line of so many characters; false when it goes over the limit. */
  allows(characters: number): boolean {
    const second = Math.floor(Date.now() / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#lines = 0;
      this.#characters = 0;
    }
    this.#lines += 1;
    this.#characters += characters;
    return this.#lines <= LINES_PER_SECOND && this.#characters <= CHARACTERS_PER_SECOND;
  }
}
