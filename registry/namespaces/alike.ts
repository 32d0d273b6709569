/** Digits, and letters, as the letters they look like. */
const LETTERS: Readonly<Record<string, string>> = {
  0: 'o',
  1: 'l',
  3: 'e',
  4: 'a',
  5: 's',
  7: 't',
  8: 'b',
  i: 'l',
};

/** True when people may take one name for the other: the same once folded, or one letter apart. */
export function isAlike(one: string, two: string): boolean {
  const [a, b] = [folded(one), folded(two)];
  return a === b || isOneEditApart(a, b);
}

function folded(name: string): string {
  const plain = name
    .replaceAll('-', '')
    .replaceAll('rn', 'm')
    .replaceAll('vv', 'w')
    .replaceAll('cl', 'd');
  return plain.replace(/[0-9i]/gu, (letter) => LETTERS[letter] ?? letter);
}

/** Levenshtein distance of one. */
function isOneEditApart(a: string, b: string): boolean {
  const [short, long] = a.length <= b.length ? [a, b] : [b, a];
  if (long.length - short.length > 1) return false;
  let at = 0;
  while (at < short.length && short[at] === long[at]) at += 1;
  const rest = short.length === long.length ? short.slice(at + 1) : short.slice(at);
  return rest === long.slice(at + 1);
}
