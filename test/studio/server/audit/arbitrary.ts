import {
  CAPABILITIES,
  CAPABILITY_NAMES,
  isTarget,
  type Allowance,
} from '@runtime-hub/plugin-sdk/contract';
import fc from 'fast-check';

const word = fc.constantFrom('api', 'www', 'cdn', 'a', 'b1', 'x-y');
const domain = fc.constantFrom('example.com', 'b.test', 'github.io', 'co.uk', 'com');
const name = fc.constantFrom('a', 'b', 'c', 'deep', 'ü b', '…', 'x\u202Ey', '*', 'a*.csv');
const size = fc.integer({ min: 0, max: 400 });
const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 12 });

const region = fc
  .tuple(fc.integer({ min: -99, max: 900 }), size, size, size)
  .map((it) => `region=${it.join(',')}`);
const titles = fc.constantFrom(
  'Queue 1',
  'Queue 2',
  'Queue 3',
  'Mail',
  'Queue*',
  'A “b”',
  '⟨U+202E⟩',
);
const area = fc.oneof(
  region,
  fc.oneof(titles, text).map((it) => `window=${it}`),
  fc.constant('*'),
);
const host = fc
  .tuple(
    fc.constantFrom('', 'http://'),
    fc.constantFrom('', '*.'),
    word,
    domain,
    fc.constantFrom('', ':8443'),
  )
  .map(([scheme, star, sub, base, port]) => `${scheme}${star}${sub}.${base}${port}`);
const hosts = fc.oneof(host, fc.constantFrom('*', '[::1]:443', '127.0.0.1', 'localhost'));
const path = fc
  .tuple(
    fc.constantFrom('', '~', 'C:'),
    fc.array(name, { minLength: 1, maxLength: 4 }),
    fc.constantFrom('', '/*', '/**'),
  )
  .map(([root, parts, end]) => `${root}/${parts.join('/')}${end}`);
const secret = fc
  .tuple(fc.constantFrom('gmail', 'token'), fc.oneof(hosts, fc.constant('/usr/bin/git')))
  .map((it) => it.join('@'));
const OF = {
  any: fc.constant('*'),
  area,
  host: hosts,
  path: fc.oneof(path, fc.constantFrom('*', '/', '~')),
  program: fc.oneof(
    path.filter((it) => !it.startsWith('~')),
    fc.constant('*'),
  ),
  secret: fc.oneof(secret, fc.constant('*')),
};

/** Permissions of every capability and form of target, many of them about the same few things. */
export const anyPermission: fc.Arbitrary<Allowance> = fc
  .constantFrom(...CAPABILITY_NAMES)
  .chain((capability) =>
    fc.record(
      {
        capability: fc.constant(capability),
        target: OF[CAPABILITIES[capability].target],
        ratePerSecond: fc.constantFrom(0.1, 0.3, 0.5, 1, 2, 10),
      },
      { requiredKeys: ['capability', 'target'] },
    ),
  )
  .filter(isTarget);
