/** A value longer than this, or of several lines, is known by its parts, so that each is found by itself. */
const MAX_PART_BYTES = 64;
/** Parts that are also looked for as hex and UTF-16; whoever prints a long value as that prints its start as well. */
const MAX_PARTS_IN_FULL = 8;
const MIN_PART_LENGTH = 8;

/** Patterns over text of one character a byte, global, that find a value as it is, escaped in any common way, as base64 or as hex. */
export function patternsOf(value: string): readonly RegExp[] {
  return partsOf(value).flatMap((part, index) => {
    const bytes = Buffer.from(part);
    const sources = [tokensOf(part).map(looseToken).join(''), ...base64Forms(bytes)];
    if (index < MAX_PARTS_IN_FULL) {
      sources.push([...Buffer.from(part, 'utf16le')].map(hexEscape).join(''));
      sources.push([...bytes].map((byte) => anyCase(hexOf(byte))).join('[\\s:-]?'));
    }
    return [...new Set(sources)].map((source) => new RegExp(source, 'g'));
  });
}

function partsOf(value: string): readonly string[] {
  const lines = value.split(/[\r\n]+/u).filter((line) => line.length >= MIN_PART_LENGTH);
  const whole = lines.length === 0 ? [value] : lines;
  return [...new Set(whole.flatMap((line) => [...cut(line)]))];
}

function* cut(line: string): Generator<string> {
  let part = '';
  for (const character of line) {
    if (Buffer.byteLength(part) >= MAX_PART_BYTES) {
      yield part;
      part = '';
    }
    part += character;
  }
  // A short rest would be found everywhere; it goes with what is before it.
  yield part.length < MIN_PART_LENGTH ? line.slice(-MAX_PART_BYTES / 2) : part;
}

const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  '\n': 'n',
  '\r': 'r',
  '\t': 't',
  '\b': 'b',
  '\f': 'f',
};
const ENTITIES: Readonly<Record<string, string>> = {
  '&': 'amp',
  '<': 'lt',
  '>': 'gt',
  '"': 'quot',
  "'": 'apos',
};

/** Characters; backslashes in a row are one, for escapes of each by itself could be told apart in too many ways. */
const tokensOf = (part: string): readonly string[] => part.match(/\\+|./gsu) ?? [];

function looseToken(token: string): string {
  if (!token.startsWith('\\')) return looseCharacter(token);
  const { length } = token;
  const others = ['%5[cC]', '\\\\u005[cC]', '\\\\x5[cC]', '&#(?:92|[xX]5[cC]);'];
  const rows = others.map((form) => `(?:${form}){${String(length)}}`);
  // All of the row, however long escapes made it: tried from each of its places it would take the square of its length.
  return `(?:(?<!\\\\)\\\\{${String(length)},}|${rows.join('|')})`;
}

/** One character: itself, or as JSON, JavaScript, a URL (RFC 3986), a form or HTML writes it; each may mix them. */
function looseCharacter(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const bytes = [...Buffer.from(character)];
  const entity = ENTITIES[character];
  const forms = [
    bytes.map(hexEscape).join(''),
    bytes.map((byte) => `%${anyCase(hexOf(byte))}`).join(''),
    [...unitsOf(character)].map((unit) => `\\\\u${anyCase(hexOf(unit, 4))}`).join(''),
    `&#(?:0{0,4}${String(code)}|[xX]0{0,4}${anyCase(code.toString(16))});`,
    ...(code <= 0xff ? [`\\\\x${anyCase(hexOf(code))}`] : []),
    ...(code > 0x7f && code <= 0xff ? [hexEscape(code)] : []),
    ...(/["'/]/u.test(character) ? [`\\\\{1,3}${hexEscape(code)}`] : []),
    ...(SHORT_ESCAPES[character] === undefined ? [] : [`\\\\{1,3}${SHORT_ESCAPES[character]}`]),
    ...(entity === undefined ? [] : [`&${entity};`]),
    ...(character === ' ' ? ['\\+'] : []),
  ];
  return `(?:${forms.join('|')})`;
}

function* unitsOf(character: string): Generator<number> {
  for (let index = 0; index < character.length; index += 1) yield character.charCodeAt(index);
}

/**
 * Base64 (RFC 4648, both alphabets, also within a URL or broken into lines) of bytes that stand anywhere in what was encoded:
 * for each of the three offsets the characters that depend on the bytes alone.
 */
function base64Forms(bytes: Buffer): readonly string[] {
  return [0, 1, 2].map((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64');
    const from = Math.ceil((offset * 8) / 6);
    const to = Math.floor(((offset + bytes.length) * 8) / 6);
    const own = Array.from(text.slice(from, to), base64Character).join('[\\r\\n]{0,2}');
    // The last character may be half of what follows.
    return ((offset + bytes.length) * 8) % 6 === 0 ? own : `${own}[\\w+/-]?`;
  });
}

function base64Character(character: string): string {
  if (character === '+') return '(?:[+-]|%2[bB])';
  if (character === '/') return '(?:\\\\?/|_|%2[fF])';
  return character;
}

const hexOf = (value: number, digits = 2): string => value.toString(16).padStart(digits, '0');
const hexEscape = (byte: number): string => `\\x${hexOf(byte)}`;
const anyCase = (hex: string): string =>
  hex.replaceAll(/[a-f]/gu, (digit) => `[${digit}${digit.toUpperCase()}]`);
