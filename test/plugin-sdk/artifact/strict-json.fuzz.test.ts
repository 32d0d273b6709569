import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseManifest } from '@runtime-hub/plugin-sdk/artifact';
import { HubError } from '@runtime-hub/plugin-sdk/contract';
import { parseStrictJson } from '../../../plugin-sdk/artifact/strict-json.ts';
import { manifestFor, nodeFor } from './release-parts.ts';
import { refusalOf } from './tar-parts.ts';

const RUNS = { numRuns: 300 };
const space = fc.string({ unit: fc.constantFrom(' ', '\n', '\t', '\r'), maxLength: 200 });
/** JSON text of a key, each character perhaps written as an escape. */
const keyText = (key: string, escaped: boolean): string =>
  escaped
    ? `"${[...Array(key.length).keys()].map((at) => `\\u${key.charCodeAt(at).toString(16).padStart(4, '0')}`).join('')}"`
    : JSON.stringify(key);

describe('strict JSON', () => {
  test('gives what JSON.parse gives for every value that has each key once', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), fc.nat({ max: 4 }), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        fc.pre(!text.includes('__proto__'));
        expect(isDeepStrictEqual(parseStrictJson(text), JSON.parse(text))).toBe(true);
      }),
      RUNS,
    );
  });

  test('finds a key that is there twice, however it is written and wherever it stands', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        space,
        space,
        fc.boolean(),
        fc.jsonValue(),
        (key, before, after, escaped, value) => {
          const inner = JSON.stringify(value);
          fc.pre(!inner.includes('__proto__') && key !== '__proto__');
          const text = `[{"x":{${keyText(key, false)}:${inner},"other\\"}{:":[]${before},${before}${keyText(key, escaped)}${after}:${inner}}}]`;
          fc.pre(key !== 'other"}{:');
          expect(() => JSON.parse(text) as unknown).not.toThrow();
          expect(() => parseStrictJson(text)).toThrow('a key is there twice');
        },
      ),
      RUNS,
    );
  });

  test('finds __proto__ as a key, however it is written, and lets it be as a text', () => {
    fc.assert(
      fc.property(space, fc.boolean(), (after, escaped) => {
        expect(() =>
          parseStrictJson(`{"a":[{${keyText('__proto__', escaped)}${after}:1}]}`),
        ).toThrow('__proto__');
        expect(parseStrictJson(`{"a":"__proto__"${after}}`)).toEqual({ a: '__proto__' });
      }),
      RUNS,
    );
  });

  test('throws an Error, and nothing else, for any text', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string({ unit: fc.constantFrom(...'{}[]":,\\u0 a1e-'.split('')) }),
        ),
        (text) => {
          const isJson = ((): boolean => {
            try {
              parseStrictJson(text);
              return true;
            } catch (error) {
              expect(error).toBeInstanceOf(Error);
              return false;
            }
          })();
          if (isJson) expect(() => JSON.parse(text) as unknown).not.toThrow();
        },
      ),
      RUNS,
    );
  });

  test.each([
    ['the same key in two objects', '{"a":{"k":1},"b":{"k":2},"k":3}'],
    ['a text that looks like a key', '{"a":"a","b":["a","a"]}'],
    ['quotes and braces in a text', '{"a":"\\"},{\\"a\\":1","b":"\\\\"}'],
    ['a lone surrogate', '{"\\ud800":1,"\\udc00":2}'],
    ['huge numbers', '[1e999,-1e999,1e-999,123456789012345678901234567890,-0]'],
    ['100 levels', `${'['.repeat(100)}${']'.repeat(100)}`],
  ])('takes %s', (_name, text) => {
    expect(parseStrictJson(text)).toEqual(JSON.parse(text));
  });

  test.each([
    ['101 levels of lists', `${'['.repeat(101)}${']'.repeat(101)}`],
    ['101 levels of objects', `${'{"a":'.repeat(101)}1${'}'.repeat(101)}`],
    ['half a million levels', `${'['.repeat(500_000)}${']'.repeat(500_000)}`],
    ['a lone surrogate twice as a key', '{"\\ud800":1,"\\uD800":2}'],
    ['a byte order mark', '\ufeff{}'],
    ['a comma too many', '[1,]'],
    ['NaN', '[NaN]'],
    ['two values', '{}{}'],
    ['a comment', '{}// more'],
    ['a raw line break in a text', '"a\nb"'],
  ])('refuses %s', (_name, text) => {
    expect(() => parseStrictJson(text)).toThrow(Error);
  });
});

describe('a manifest', () => {
  const good = manifestFor({ nodes: [nodeFor({ inputs: { text: { type: 'string' } } })] });
  const paths: readonly (readonly string[])[] = [
    ...Object.keys(good).map((key) => [key]),
    ...Object.keys(nodeFor()).map((key) => ['nodes', '0', key]),
    ['nodes', '0', 'inputs', 'text', 'type'],
    ['nodes', '0', 'inputs', 'more.dots'],
    ['nodes', '0', 'outputs', 'done'],
    ['permissions', '0'],
    ['unknown'],
  ];

  function replaced(path: readonly string[], value: unknown): unknown {
    const copy = structuredClone(good);
    // SAFETY: every step of a path above is an object or a list of the good manifest.
    const parent = path
      .slice(0, -1)
      .reduce<Record<string, unknown>>((at, key) => at[key] as Record<string, unknown>, copy);
    parent[path.at(-1) ?? ''] = value;
    return copy;
  }

  test('is accepted unchanged', () => {
    expect(parseManifest(structuredClone(good))).toEqual(good);
  });

  test('with any value at any place is taken whole or refused as MANIFEST_INVALID', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...paths),
        fc.anything({ withNullPrototype: true, withBigInt: true, withDate: true }),
        (path, value) => {
          const outcome = refusalOf(() => parseManifest(replaced(path, value)));
          expect(['accepted', 'MANIFEST_INVALID']).toContain(outcome);
        },
      ),
      RUNS,
    );
  });

  test('that is any value at all is refused', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        expect(refusalOf(() => parseManifest(value))).toBe('MANIFEST_INVALID');
      }),
      RUNS,
    );
  });

  test.each<[string, readonly string[], unknown]>([
    ['a version with v', ['version'], 'v1.0.0'],
    ['a version with build data', ['version'], '1.0.0+a'],
    ['a version of two numbers', ['version'], '1.0'],
    ['a version with leading zero', ['version'], '1.01.0'],
    ['a huge version', ['version'], `1.0.${'9'.repeat(40)}`],
    ['a version with a line break', ['version'], '1.0.0\n'],
    ['an engine that is no range', ['engine'], 'latest!'],
    ['an id without namespace', ['id'], 'ocr'],
    ['an id that climbs', ['id'], '../core/x'],
    ['an id in upper case', ['id'], 'Acme/ocr'],
    ['an id with a look-alike letter', ['id'], 'аcme/ocr'],
    ['an id with a line break', ['id'], 'acme/ocr\n'],
    ['another entry', ['entry'], '../plugin.js'],
    ['another manifest version', ['manifestVersion'], 2],
    ['an unknown runtime', ['runtime'], 'native'],
    ['an unknown capability', ['provides'], ['everything']],
    ['a capability without permission', ['nodes', '0', 'uses'], ['screen.capture']],
    ['a timeout of no time', ['nodes', '0', 'timeoutMs'], 0],
    ['a schema that is none', ['nodes', '0', 'config'], { type: 'strin' }],
    ['a schema with an unknown keyword', ['nodes', '0', 'config'], { evil: true }],
    [
      'a schema that refers elsewhere',
      ['nodes', '0', 'config'],
      { $ref: 'https://evil.example/s.json' },
    ],
    [
      'a schema with a pattern that is none',
      ['nodes', '0', 'config'],
      { type: 'string', pattern: '(' },
    ],
    ['a port that every node has', ['nodes', '0', 'inputs'], { run: {} }],
    ['the same node twice', ['nodes'], [nodeFor(), nodeFor()]],
    [
      '201 nodes',
      ['nodes'],
      Array.from({ length: 201 }, (_, at) => nodeFor({ type: `n${String(at)}` })),
    ],
    [
      '33 permissions',
      ['permissions'],
      Array.from({ length: 33 }, () => ({ capability: 'log', target: '*', reason: 'r' })),
    ],
    [
      'a reason of 201 characters',
      ['permissions'],
      [{ capability: 'log', target: '*', reason: 'r'.repeat(201) }],
    ],
  ])('with %s is refused', (_name, path, value) => {
    expect(refusalOf(() => parseManifest(replaced(path, value)))).toBe('MANIFEST_INVALID');
  });

  test('tells all problems at once, but no more than a hundred', () => {
    const problemsOf = (value: unknown): number => {
      try {
        parseManifest(value);
      } catch (error) {
        if (HubError.is(error, 'MANIFEST_INVALID')) return error.data.problems.length;
      }
      return 0;
    };
    expect(problemsOf({ ...good, id: 1, version: 1, title: 1 })).toBe(3);
    expect(problemsOf({ ...good, permissions: Array.from({ length: 100_000 }, () => ({})) })).toBe(
      1,
    );
    expect(problemsOf({ ...good, nodes: Array.from({ length: 200 }, () => ({})) })).toBe(100);
  });

  test('can’t change by its schemas what the next one is checked by', () => {
    const id = 'https://json-schema.org/draft/2020-12/schema';
    const shared = nodeFor({
      config: { $defs: { a: { $id: 'https://a.example/s', type: 'string' } } },
    });
    const renamed = replaced(['nodes', '0', 'config'], { $id: id, type: 'string' });
    expect(refusalOf(() => parseManifest(renamed))).toBe('MANIFEST_INVALID');
    for (const version of ['1.0.0', '1.0.1'])
      expect(refusalOf(() => parseManifest({ ...good, version, nodes: [shared] }))).toBe(
        'accepted',
      );
    expect(
      refusalOf(() => parseManifest(replaced(['nodes', '0', 'config'], { type: 'strin' }))),
    ).toBe('MANIFEST_INVALID');
  });
});
