import {
  CAPABILITY_NAMES,
  canonicalPermissions,
  includes,
  inWords,
  parseCapability,
  permissionDiff,
  visible,
  type Allowance,
  type PermissionDiff,
} from '@runtime-hub/plugin-sdk/contract';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { anyPermission } from '../../studio/server/audit/arbitrary.ts';

const of = (text: string): Allowance => {
  const parsed = parseCapability(text);
  if (parsed === null) throw new Error(`${text} is no capability`);
  return parsed;
};
const words = (text: string): string => inWords(of(text));

test.each([
  ['screen.capture:*', 'See the whole screen'],
  ['screen.capture:window=Queue monitor', 'See the window “Queue monitor”'],
  ['screen.capture:window=Queue*', 'See every window whose title begins with “Queue”'],
  ['screen.capture:window=*', 'See every window'],
  [
    'screen.capture:region=10,-20,300,200',
    'See the part of the screen of 300 × 200 pixels at 10, -20',
  ],
  ['input.mouse:*', 'Move and click the mouse anywhere'],
  [
    'input.mouse:window=Queue monitor;rate=10/s',
    'Move and click the mouse in the window “Queue monitor”, at most 10 a second',
  ],
  ['ocr.read:*', 'Read text from pictures'],
  ['net.http:*', 'Send requests to any address'],
  ['net.http:api.github.com;rate=10/s', 'Send requests to api.github.com, at most 10 a second'],
  ['net.http:*.github.com', 'Send requests to every host below github.com'],
  [
    'net.http:http://127.0.0.1:8080;rate=0.5/s',
    'Send requests to 127.0.0.1 on port 8080 without encryption, at most one every 2 seconds',
  ],
  ['net.http:[::1]', 'Send requests to [::1]'],
  ['net.http:[::1]:8443', 'Send requests to [::1] on port 8443'],
  ['fs.read:*', 'Read every file'],
  ['fs.read:~/invoices/**', 'Read everything in the folder “~/invoices” and below it'],
  ['fs.read:/etc/hosts', 'Read the file or folder “/etc/hosts”'],
  ['fs.write:/tmp/out/*', 'Change what is directly in the folder “/tmp/out”'],
  ['process.run:/usr/bin/git', 'Run the program “/usr/bin/git”'],
  ['process.run:*', 'Run any program'],
  ['process.list:*', 'See which programs run'],
  ['process.end:/usr/bin/git', 'End the program “/usr/bin/git”'],
  ['process.end:*', 'End any program'],
  ['secrets.use:gmail@smtp.gmail.com', 'Use the secret gmail with smtp.gmail.com'],
  ['secrets.use:gmail@/usr/bin/git', 'Use the secret gmail with the program “/usr/bin/git”'],
  ['secrets.use:*', 'Use every secret, with anything'],
  ['clock:*', 'Know the time'],
  ['random:*', 'Get random numbers'],
  ['state:*', 'Remember small values between runs'],
  ['blobs:*', 'Keep pictures and files it makes'],
  ['log:*;rate=0.3/s', 'Write to the log, at most 0.3 a second'],
])('%s reads “%s”', (text, expected) => {
  expect(words(text)).toBe(expected);
});

test('every capability has words', () => {
  const all = CAPABILITY_NAMES.map((capability) => inWords({ capability, target: '*' }));
  expect(new Set(all).size).toBe(CAPABILITY_NAMES.length);
});

test('a title that turns the text around, or looks like the end of its quote, is shown by number', () => {
  expect(visible('a\u202Eb\u0007\u200B\u3164\uD800')).toBe(
    'a⟨U+202E⟩b⟨U+0007⟩⟨U+200B⟩⟨U+3164⟩⟨U+D800⟩',
  );
  expect(inWords({ capability: 'screen.capture', target: 'window=X” and “Y' })).toBe(
    'See the window “X⟨U+201D⟩ and ⟨U+201C⟩Y”',
  );
  expect(visible('⟨U+202E⟩')).not.toBe(visible('\u202E'));
});

test('words hide nothing, and permissions that differ never read the same', () => {
  const seen = new Map<string, string>();
  const isHidden = /[\p{C}\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}]/u;
  fc.assert(
    fc.property(anyPermission, (permission) => {
      const text = inWords(permission);
      expect(text).not.toMatch(isHidden);
      const key = JSON.stringify([
        permission.capability,
        permission.target,
        permission.ratePerSecond,
      ]);
      expect(seen.get(text) ?? key).toBe(key);
      seen.set(text, key);
    }),
    { numRuns: 3000 },
  );
});

const shown = (diff: PermissionDiff) =>
  Object.fromEntries(
    Object.entries(diff).map(([kind, changes]: [string, PermissionDiff['added']]) => [
      kind,
      changes.map((it) => it.words),
    ]),
  );

test('a diff says what is new, gone, wider and narrower', () => {
  const before = ['net.http:api.github.com', 'fs.read:/data/**', 'log:*', 'clock:*;rate=5/s'];
  const after = ['net.http:*.github.com', 'fs.read:/data/in/*', 'random:*', 'clock:*;rate=5/s'];
  expect(shown(permissionDiff(before.map(of), after.map(of)))).toEqual({
    added: ['Get random numbers'],
    removed: ['Write to the log'],
    widened: [
      'Send requests to every host below github.com (before: Send requests to api.github.com)',
    ],
    narrowed: [
      'Read what is directly in the folder “/data/in” (before: Read everything in the folder “/data” and below it)',
    ],
  });
});

test('a higher rate widens, a lower one narrows, and none at all is the widest', () => {
  const diff = (one: string, other: string) => shown(permissionDiff([of(one)], [of(other)]));
  const [slow, fast, free] = ['log:*;rate=1/s', 'log:*;rate=9/s', 'log:*'];
  const wide = (was: string, is: string) => ({
    added: [],
    removed: [],
    narrowed: [],
    widened: [`${words(is)} (before: ${words(was)})`],
  });
  expect(diff(slow, fast)).toEqual(wide(slow, fast));
  expect(diff(fast, free)).toEqual(wide(fast, free));
  const narrowed = [`${words(slow)} (before: ${words(free)})`];
  expect(diff(free, slow)).toEqual({ added: [], removed: [], widened: [], narrowed });
});

test('order, reasons, repetitions and what another includes make no difference', () => {
  const reasons = { ...of('net.http:api.github.com'), reason: 'one' };
  const before = [of('net.http:*.github.com'), reasons, reasons];
  const none = { added: [], removed: [], widened: [], narrowed: [] };
  expect(permissionDiff(before, [of('net.http:*.github.com')])).toEqual(none);
  expect(canonicalPermissions([...before].reverse())).toEqual(canonicalPermissions(before));
});

const some = fc.array(anyPermission, { maxLength: 6 });

test('the canonical form allows exactly what the list did', () => {
  fc.assert(
    fc.property(some, (list) => {
      const canonical = canonicalPermissions(list);
      for (const it of list) expect(canonical.some((one) => includes(one, it))).toBe(true);
      for (const it of canonical) expect(list).toContainEqual(it);
      expect(canonicalPermissions(list.toReversed())).toEqual(canonical);
      expect(canonicalPermissions(canonical)).toEqual(canonical);
    }),
  );
});

test('nothing is gained without being told, nothing lost, and nothing told that did not change', () => {
  fc.assert(
    fc.property(some, some, (before, after) => {
      const { added, removed, widened, narrowed } = permissionDiff(before, after);
      const gained = canonicalPermissions(after).filter(
        (it) => !before.some((one) => includes(one, it)),
      );
      const lost = canonicalPermissions(before).filter(
        (it) => !after.some((one) => includes(one, it)),
      );
      expect(canonicalPermissions([...added, ...widened].flatMap((it) => it.after))).toEqual(
        gained,
      );
      const told = [...removed, ...narrowed, ...widened].flatMap((it) => it.before);
      for (const it of lost) expect(told).toContainEqual(it);
      for (const it of removed) expect(lost).toContainEqual(it.before[0]);
    }),
    { numRuns: 2000 },
  );
});

test('what a set gains against another, the other loses against it', () => {
  fc.assert(
    fc.property(some, (list) => {
      expect(permissionDiff([], list).added.flatMap((it) => it.after)).toEqual(
        canonicalPermissions(list),
      );
      expect(permissionDiff(list, []).removed.flatMap((it) => it.before)).toEqual(
        canonicalPermissions(list),
      );
    }),
  );
});
