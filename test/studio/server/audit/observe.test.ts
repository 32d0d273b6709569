import {
  capabilityText,
  CAPABILITIES,
  covers,
  includes,
  isTarget,
  parseCapability,
  type Allowance,
  type AuditRecord,
} from '@runtime-hub/plugin-sdk/contract';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Rate } from '@runtime-hub/plugin-sdk/hosting';
import { narrowTargets } from '../../../../studio/server/audit/narrow.ts';
import { createObserver } from '../../../../studio/server/audit/observe.ts';
import { anyPermission } from './arbitrary.ts';

type Use = Pick<AuditRecord, 'at' | 'need' | 'decision'>;
const of = (text: string): Allowance => {
  const parsed = parseCapability(text);
  if (parsed === null) throw new Error(`${text} is no capability`);
  return parsed;
};
const use = (need: string, at = 1, decision: Use['decision'] = 'allowed'): Use => ({
  at,
  need,
  decision,
});

function propose(granted: readonly string[], uses: readonly Use[]) {
  const observer = createObserver(granted.map(of));
  for (const it of uses) observer.add(it);
  return observer.propose();
}

const narrowed = (held: string, ...used: readonly string[]) => narrowTargets(of(held), used);

test.each([
  ['hosts stay exact', 'net.http:*', ['b.x.com', 'a.x.com'], ['a.x.com', 'b.x.com']],
  [
    'three siblings become their domain',
    'net.http:*',
    ['a.x.com', 'b.x.com', 'c.x.com'],
    ['*.x.com'],
  ],
  [
    'ports and schemes are no siblings',
    'net.http:*',
    ['a.x.com', 'b.x.com:8443', 'http://c.x.com'],
    ['a.x.com', 'b.x.com:8443', 'http://c.x.com'],
  ],
  ['not all of .com', 'net.http:*', ['a.com', 'b.com', 'c.com'], ['a.com', 'b.com', 'c.com']],
  [
    'not all of .co.uk',
    'net.http:*',
    ['a.co.uk', 'b.co.uk', 'c.co.uk'],
    ['a.co.uk', 'b.co.uk', 'c.co.uk'],
  ],
  [
    'not all of github.io, where anybody can have a host',
    'net.http:*',
    ['a.github.io', 'b.github.io', 'c.github.io'],
    ['a.github.io', 'b.github.io', 'c.github.io'],
  ],
  [
    'addresses are no siblings',
    'net.http:*',
    ['10.0.0.1', '11.0.0.1', '12.0.0.1', '[::1]'],
    ['10.0.0.1', '11.0.0.1', '12.0.0.1', '[::1]'],
  ],
  [
    'never beyond the grant',
    'net.http:*.b.x.com',
    ['1.b.x.com', '2.b.x.com', '3.b.x.com'],
    ['*.b.x.com'],
  ],
  ['two files stay exact', 'fs.read:/data/**', ['/data/a', '/data/b'], ['/data/a', '/data/b']],
  ['three files become their folder', 'fs.read:*', ['/data/a', '/data/b', '/data/c'], ['/data/*']],
  ['not all of the root', 'fs.read:*', ['/a', '/b', '/c'], ['/a', '/b', '/c']],
  ['not all of the home', 'fs.read:*', ['~/a', '~/b', '~/c'], ['~/a', '~/b', '~/c']],
  [
    'three folders become what they are in',
    'fs.read:*',
    ['/data/in/1/a', '/data/in/2/b', '/data/in/3/c'],
    ['/data/in/**'],
  ],
  [
    'and so on upwards',
    'fs.write:~/**',
    [1, 2, 3].flatMap((year) => [1, 2, 3].map((month) => `~/d/${String(year)}/${String(month)}/x`)),
    ['~/d/**'],
  ],
  ['one window stays exact', 'screen.capture:*', ['window=Mail', 'window=Mail'], ['window=Mail']],
  [
    'three titles become their beginning',
    'screen.capture:window=Queue*',
    ['window=Queue 1', 'window=Queue 22', 'window=Queue 3'],
    ['window=Queue *'],
  ],
  [
    'regions become the rectangle around them',
    'input.mouse:*',
    ['region=10,10,1,1', 'region=40,-5,1,1', 'window=Mail'],
    ['region=10,-5,31,16', 'window=Mail'],
  ],
  [
    'programs stay exact',
    'process.run:*',
    ['/usr/bin/b', '/usr/bin/a'],
    ['/usr/bin/a', '/usr/bin/b'],
  ],
  ['the whole screen stays the whole screen', 'screen.capture:*', ['*', 'window=Mail'], ['*']],
] as const)('%s', (_, held, used, expected) => {
  expect(narrowed(held, ...used)).toEqual(expected);
});

test('a target too long to be granted, or too many of them, leave the grant as it is', () => {
  expect(narrowed('fs.read:/a/**', `/a/${'x'.repeat(600)}`)).toEqual(['/a/**']);
  const many = Array.from({ length: 101 }, (_, index) => `/usr/bin/p${String(index)}`);
  expect(narrowed('process.run:*', ...many)).toEqual(['*']);
});

test('a proposal says what was seen, what is given up, and what is not granted', () => {
  const proposal = propose(
    ['net.http:*;rate=50/s', 'fs.read:/data/**', 'log:*'],
    [
      ...[0, 100, 200, 999, 1000, 5000].map((at) => use('net.http:api.x.com', at)),
      use('log:*', 7),
      use('fs.write:/etc/passwd', 8, 'denied'),
      use('fs.write:/etc/passwd', 9, 'denied'),
      use('clock:*', 1),
      use('net.http:api.x.com;rate=10/s', 10, 'granted'),
    ],
  );
  expect(proposal).toEqual({
    uses: 7,
    permissions: [
      {
        capability: 'net.http',
        target: 'api.x.com',
        ratePerSecond: 6,
        words: 'Send requests to api.x.com, at most 6 a second',
        within: of('net.http:*;rate=50/s'),
        uses: 6,
        peakPerSecond: 4,
        lastAt: 5000,
      },
      {
        capability: 'log',
        target: '*',
        words: 'Write to the log',
        within: of('log:*'),
        uses: 1,
        peakPerSecond: 1,
        lastAt: 7,
      },
    ],
    givenUp: [
      'Read everything in the folder “/data” and below it',
      'Send requests to api.x.com, at most 6 a second (before: Send requests to any address, at most 50 a second)',
    ],
    beyond: [
      { need: 'fs.write:/etc/passwd', allowed: 0, refused: 2 },
      { need: 'clock:*', allowed: 1, refused: 0 },
    ],
  });
});

test('a refused call without a proper target does not make the proposal wide', () => {
  const proposal = propose(
    ['net.http:*'],
    [use('net.http:a.x.com'), use('net.http:*', 2, 'denied')],
  );
  expect(proposal.permissions.map((it) => it.target)).toEqual(['a.x.com']);
  expect(proposal.beyond).toEqual([{ need: 'net.http:*', allowed: 0, refused: 1 }]);
});

test('a flood of different refused needs is bounded', () => {
  const uses = Array.from({ length: 5000 }, (_, index) =>
    use(`fs.read:/x/${String(index)}`, index, 'denied'),
  );
  expect(propose([], uses).beyond).toHaveLength(100);
});

test('a plugin that touches ever other things keeps its grant', () => {
  const uses = Array.from({ length: 10_002 }, (_, index) => use(`fs.read:/x/${String(index)}/y`));
  const [only, ...rest] = propose(['fs.read:/x/**;rate=3/s'], uses).permissions;
  expect(rest).toEqual([]);
  expect(only).toMatchObject({ target: '/x/**', ratePerSecond: 3 });
});

const uses = fc.array(
  fc.record({
    permission: anyPermission,
    at: fc.integer({ min: 0, max: 20_000 }),
    decision: fc.constantFrom<Use['decision']>('allowed', 'allowed', 'denied', 'rate-exceeded'),
  }),
  { maxLength: 60 },
);

test('every use within today’s grants is covered, and nothing beyond them is proposed', () => {
  fc.assert(
    fc.property(fc.array(anyPermission, { maxLength: 8 }), uses, (granted, seen) => {
      const observer = createObserver(granted);
      for (const { permission, at, decision } of seen) {
        const { capability, target } = permission;
        observer.add({ at, decision, need: capabilityText({ capability, target }) });
      }
      const { permissions } = observer.propose();
      for (const it of permissions) {
        expect(isTarget(it)).toBe(true);
        expect(granted.some((one) => includes(one, it))).toBe(true);
      }
      for (const { permission, decision } of seen) {
        const within = granted.some((one) => covers(one, permission));
        const isVague =
          permission.target === '*' && CAPABILITIES[permission.capability].target !== 'any';
        if (!within || (isVague && decision === 'denied')) continue;
        expect(permissions.some((one) => covers(one, permission))).toBe(true);
      }
    }),
    { numRuns: 1500 },
  );
});

test('the proposed rate would have stopped none of the uses', () => {
  const times = fc.array(fc.integer({ min: 0, max: 30_000 }), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(times, (at) => {
      const sorted = at.toSorted((a, b) => a - b);
      const { permissions } = propose(
        ['net.http:*'],
        sorted.map((it) => use('net.http:a.b.c', it)),
      );
      let now = sorted[0] ?? 0;
      const clock = { now: () => now, after: () => ({ [Symbol.dispose]: () => undefined }) };
      const rate = new Rate(clock, permissions[0]?.ratePerSecond ?? 0);
      for (now of sorted) expect(rate.take()).toBe(true);
    }),
  );
});
