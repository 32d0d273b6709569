import {
  HubError,
  capabilityText,
  covers,
  hostOf,
  isTarget,
  needsOf,
  overlaps,
  parseCapability,
  type CapabilityName,
  type Need,
} from '@runtime-hub/plugin-sdk/contract';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { holds } from './holds.ts';

/** Targets from few parts, so that chance makes many that have to do with each other. */
const label = fc.constantFrom('a', 'b', 'example', 'com');
const hostName = fc.array(label, { minLength: 1, maxLength: 3 }).map((it) => it.join('.'));
const host = fc
  .tuple(
    fc.constantFrom('', 'http://'),
    fc.constantFrom('', '*.'),
    hostName,
    fc.constantFrom('', ':8080'),
  )
  .map((it) => it.join(''));
const part = fc.constantFrom('a', 'b', '.ssh', '*a', 'a*', '**a');
const folder = fc.array(part, { minLength: 1, maxLength: 3 }).map((it) => `/${it.join('/')}`);
const file = fc
  .tuple(fc.constantFrom('', '~'), folder, fc.constantFrom('', '/*', '/**'))
  .map((it) => it.join(''));
const number = fc.integer({ min: 0, max: 4 });
const area = fc.oneof(
  fc.tuple(number, number, number, number).map((it) => `region=${it.join(',')}`),
  fc.constantFrom('window=a', 'window=a*', 'window=ab', 'window=*', 'window=ab*'),
);
const program = fc.constantFrom('/bin/sh', '/bin/a', '/usr/bin/sh');
const secret = fc
  .tuple(fc.constantFrom('gmail', 'key'), fc.oneof(host, program))
  .map((it) => it.join('@'));

const need = (capability: CapabilityName, target: fc.Arbitrary<string>): fc.Arbitrary<Need> =>
  fc
    .oneof({ weight: 9, arbitrary: target }, { weight: 1, arbitrary: fc.constant('*') })
    .map((it) => ({ capability, target: it }));
const needs = fc.constantFrom(
  need('net.http', host),
  need('fs.read', file),
  need('screen.capture', area),
  need('process.run', program),
  need('secrets.use', secret),
);
const one = needs.chain((it) => it);
const two = needs.chain((it) => fc.tuple(it, it));
const three = needs.chain((it) => fc.tuple(it, it, it));

test('every target that is made covers itself', () => {
  holds('grants-reflexive', [one], (a) => {
    expect(isTarget(a)).toBe(true);
    expect(covers(a, a)).toBe(true);
  });
});

test('what covers what covers a need covers it too', () => {
  holds('grants-transitive', [three], ([a, b, c]) => {
    if (covers(a, b) && covers(b, c)) expect(covers(a, c)).toBe(true);
  });
});

test('two that cover each other are the same', () => {
  holds('grants-antisymmetric', [two], ([a, b]) => {
    if (covers(a, b) && covers(b, a)) expect(a.target).toBe(b.target);
  });
});

test('what is covered overlaps, and overlapping goes both ways', () => {
  holds('grants-overlap', [two], ([a, b]) => {
    if (covers(a, b)) expect(overlaps(a, b)).toBe(true);
    expect(overlaps(a, b)).toBe(overlaps(b, a));
  });
});

test('a grant of one capability covers no other', () => {
  holds('grants-apart', [one, one], (a, b) => {
    if (a.capability !== b.capability) expect(covers(a, b) || overlaps(a, b)).toBe(false);
  });
});

/** An independent reading of patterns, by regular expressions, against which `covers` is held. */
function matches(pattern: string, path: string): boolean {
  const escaped = (text: string): string =>
    text.replaceAll(/[.*+?^${}()|[\]\\]/gu, String.raw`\$&`);
  if (pattern === '*' || pattern === path) return true;
  if (pattern.endsWith('/**'))
    return new RegExp(`^${escaped(pattern.slice(0, -3))}(/.*)?$`, 'su').test(path);
  if (pattern.endsWith('/*'))
    return new RegExp(`^${escaped(pattern.slice(0, -1))}[^/]+$`, 'su').test(path);
  return false;
}

test('a path is covered exactly when its pattern, read another way, matches', () => {
  const plain = fc.array(fc.constantFrom('a', 'b', '.ssh'), { minLength: 1, maxLength: 4 });
  holds('grants-paths', [file, plain.map((it) => `/${it.join('/')}`)], (pattern, path) => {
    const held = { capability: 'fs.read', target: pattern } as const;
    expect(covers(held, { capability: 'fs.read', target: path })).toBe(matches(pattern, path));
  });
});

test('a host is covered only by itself, by its own domain above it, or by all', () => {
  const concrete = fc
    .tuple(fc.constantFrom('', 'http://'), hostName, fc.constantFrom('', ':8080'))
    .map((it) => it.join(''));
  holds('grants-hosts', [host, concrete], (held, wanted) => {
    const covered = covers(
      { capability: 'net.http', target: held },
      { capability: 'net.http', target: wanted },
    );
    const bare = (it: string): string => it.replace('http://', '');
    const sameScheme = held.startsWith('http://') === wanted.startsWith('http://');
    const below = bare(held).startsWith('*.') && bare(wanted).endsWith(`.${bare(held).slice(2)}`);
    expect(covered).toBe(held === wanted || (sameScheme && below));
  });
});

const address = fc.oneof(
  fc.webUrl({ withQueryParameters: true, withFragments: true }),
  fc.string(),
  fc
    .tuple(
      fc.constantFrom(
        'http:',
        'https:',
        'HTTPS:',
        'ftp:',
        'file:',
        'javascript:',
        ' https:',
        'https:/',
      ),
      fc.constantFrom('//', '/', '\\\\', '//a:b@', '//a@', '///'),
      fc.oneof(
        hostName,
        fc.constantFrom(
          '0x7f.1',
          '2130706433',
          '127.1',
          '①②⑦.⓪.⓪.①',
          '[::1]',
          '[::ffff:7f00:1]',
          'EXAMPLE.com',
          'exаmple.com',
          'a.com.',
          'a.com..',
          '*.com',
          '**',
          'a%2eb',
          'a%00b',
          'x'.repeat(300),
        ),
      ),
      fc.constantFrom('', ':443', ':80', ':8080', ':99999', ':'),
      fc.constantFrom('', '/', '/..', '?@b', '#@b', '\\@b'),
    )
    .map((it) => it.join('')),
);

/** The needs of a use, or none when it is refused as it must be. */
function needed(
  capability: CapabilityName,
  args: { readonly [key: string]: string },
): readonly Need[] {
  try {
    return needsOf(capability, args);
  } catch (error) {
    expect(HubError.is(error, 'STEP_INPUT_INVALID')).toBe(true);
    return [];
  }
}

test('an address needs exactly the host that a request to it would go to, and never a pattern', () => {
  holds('needs-hosts', [address], (url) => {
    for (const it of needed('net.http', { method: 'GET', url })) {
      expect(isTarget(it)).toBe(true);
      expect(it.target).not.toContain('*');
      const { hostname, port, protocol } = new URL(url);
      const scheme = protocol === 'http:' ? 'http://' : '';
      const bare = hostname.replace(/\.$/u, '');
      expect(it.target).toBe(`${scheme}${bare}${port === '' ? '' : `:${port}`}`);
    }
  });
});

test('the need of an address is the need of its canonical form', () => {
  holds('needs-canonical', [address], (url) => {
    const [first] = needed('net.http', { method: 'GET', url });
    if (first !== undefined) expect(hostOf(new URL(url).href)).toBe(first.target);
  });
});

const pathLike = fc.oneof(
  fc.string(),
  file,
  fc
    .array(
      fc.constantFrom(
        '..',
        '.',
        '',
        'a',
        '*',
        '**',
        '~',
        'C:',
        'a\\b',
        'a\0',
        'a\n',
        '\u202e',
        '%2e%2e',
        'x'.repeat(300),
      ),
      { maxLength: 6 },
    )
    .map((it) => `/${it.join('/')}`),
);

test('a path needs itself, whole, without a way up and never as a pattern', () => {
  holds('needs-paths', [pathLike], (path) => {
    for (const it of needed('fs.read', { path, keep: 'text' })) {
      expect(it.target).toBe(path);
      expect(/(^|\/)\.{1,2}(\/|$)|\/\/|[\p{Cc}\\]/u.test(path)).toBe(false);
      expect(/\/\*{1,2}$/u.test(path)).toBe(false);
    }
  });
});

test('a grant that covers a use still covers it when it is widened', () => {
  holds('needs-monotone', [three], ([wide, narrow, used]) => {
    if (covers(narrow, used) && covers(wide, narrow)) expect(covers(wide, used)).toBe(true);
  });
});

test('the text of what may be granted is read back as the same', () => {
  const lookalike = fc
    .tuple(needs, fc.constantFrom(';rate=5/s', ';rate=1.5/s', ';rate=/s', ';', '/s'))
    .chain(([it, end]) => it.map((made) => ({ ...made, target: made.target + end })));
  const rate = fc.option(fc.integer({ min: 1, max: 9999 }), { nil: null });
  holds('grants-text', [fc.oneof(one, lookalike), rate], (it, ratePerSecond) => {
    if (!isTarget(it)) return;
    const permission = ratePerSecond === null ? it : { ...it, ratePerSecond };
    expect(parseCapability(capabilityText(permission))).toEqual(permission);
  });
});

test('a text is read as a permission that is written the same, or not at all', () => {
  const parts = fc.tuple(
    fc.constantFrom('net.http', 'fs.read', 'screen.capture', 'constructor', ''),
    fc.constantFrom(':', ''),
    fc.string(),
    fc.constantFrom('', ';rate=5/s', ';rate=/s', ';rate=1.2.3/s', ';rate=00/s'),
  );
  holds('grants-parse', [parts.map((it) => it.join(''))], (text) => {
    const read = parseCapability(text);
    if (read === null) return;
    if (read.ratePerSecond !== undefined) expect(Number.isFinite(read.ratePerSecond)).toBe(true);
    expect(parseCapability(capabilityText(read))).toEqual(read);
  });
});
