import type { Json } from '../contract/index.ts';

/** Parses JSON that many readers must understand alike: no key twice in one object, no `__proto__`. Throws a plain Error. */
export function parseStrictJson(text: string): Json {
  // SAFETY: JSON.parse gives JSON.
  const value = JSON.parse(text) as Json;
  checkKeys(text);
  return value;
}

/** Walks the tokens of valid JSON and compares the keys of each object. */
function checkKeys(text: string): void {
  const objects: (Set<string> | null)[] = [];
  const token = /"(?:[^"\\]|\\.)*"|[{}[\]]/gsu;
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    const [found] = match;
    if (found === '{') objects.push(new Set());
    else if (found === '[') objects.push(null);
    else if (found === '}' || found === ']') objects.pop();
    else if (isKey(text, token.lastIndex))
      addKey(objects.at(-1) ?? null, String(JSON.parse(found)));
  }
}

function isKey(text: string, after: number): boolean {
  return /^\s*:/u.test(text.slice(after, after + 64));
}

function addKey(keys: Set<string> | null, key: string): void {
  if (key === '__proto__') throw new Error('the key __proto__ is not allowed');
  if (keys?.has(key) === true) throw new Error('a key is there twice');
  keys?.add(key);
}
