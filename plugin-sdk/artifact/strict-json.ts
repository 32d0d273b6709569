import type { Json } from '../contract/index.ts';

/** Deeper than any manifest or statement; shallow enough that no recursion over the value runs out of stack. */
const MAX_DEPTH = 100;

/**
 * Parses JSON that many readers must understand alike: no key twice in one object, no `__proto__`, not nested deeper
 * than 100. Throws a plain Error.
 */
export function parseStrictJson(text: string): Json {
  // SAFETY: JSON.parse gives JSON.
  const value = JSON.parse(text) as Json;
  checkKeys(text);
  return value;
}

/** Walks the tokens of valid JSON and compares the keys of each object. */
function checkKeys(text: string): void {
  const objects: (Set<string> | null)[] = [];
  // A string that a colon follows is a key, however much white space stands between.
  const token = /"((?:[^"\\]+|\\.)*)"(\s*:)?|[{}[\]]/gsu;
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    const [found, content, colon] = match;
    if (found === '{') objects.push(new Set());
    else if (found === '[') objects.push(null);
    else if (found === '}' || found === ']') objects.pop();
    else if (colon !== undefined)
      addKey(objects.at(-1) ?? null, String(JSON.parse(`"${content}"`)));
    if (objects.length > MAX_DEPTH) throw new Error('it is nested too deep');
  }
}

function addKey(keys: Set<string> | null, key: string): void {
  if (key === '__proto__') throw new Error('the key __proto__ is not allowed');
  if (keys?.has(key) === true) throw new Error('a key is there twice');
  keys?.add(key);
}
