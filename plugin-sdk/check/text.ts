/** Text of an author in a message: short, on one line, with nothing hidden in it. */
export function shown(text: string, most = 60): string {
  const safe = text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, '\u{FFFD}');
  return safe.length <= most ? safe : `${safe.slice(0, most)}…`;
}

/** Every match with the line it begins in, from 1. `pattern` is global and of linear time. */
export function* matches(
  text: string,
  pattern: RegExp,
): Generator<{ readonly line: number; readonly match: RegExpExecArray }> {
  let line = 1;
  let from = 0;
  for (const match of text.matchAll(pattern)) {
    line += newlines(text, from, match.index);
    from = match.index;
    yield { line, match };
  }
}

function newlines(text: string, from: number, to: number): number {
  let count = 0;
  for (let at = text.indexOf('\n', from); at >= 0 && at < to; at = text.indexOf('\n', at + 1))
    count += 1;
  return count;
}

/** Shannon entropy in bits a character: English about 4, base64 about 6, hex 4. */
export function entropyOf(text: string): number {
  const counts = new Map<string, number>();
  for (const char of text) counts.set(char, (counts.get(char) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) {
    const share = count / text.length;
    bits -= share * Math.log2(share);
  }
  return bits;
}

/** Smallest number of letters to add, drop or change; gives up above `most` and says `most + 1`. */
export function distance(one: string, other: string, most: number): number {
  if (Math.abs(one.length - other.length) > most) return most + 1;
  let row = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (let at = 1; at <= one.length; at += 1) {
    const next = [at];
    for (let to = 1; to <= other.length; to += 1) {
      const change = (row[to - 1] ?? 0) + (one[at - 1] === other[to - 1] ? 0 : 1);
      next.push(Math.min(change, (row[to] ?? 0) + 1, (next[to - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[other.length] ?? most + 1;
}
