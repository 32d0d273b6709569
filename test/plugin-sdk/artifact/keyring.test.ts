import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  COOL_DOWN_MS,
  endorse,
  keyringFrom,
  signersOf,
  spkiOf,
  withKeyEvent,
  type KeyChange,
  type LoggedEvent,
  type PublisherKey,
} from '@runtime-hub/plugin-sdk/artifact';
import type { KeyringEntry } from '@runtime-hub/plugin-sdk/contract';
import { publisher } from './release-parts.ts';
import { refusalOf } from './tar-parts.ts';

const ORIGIN = 'reg.acme.example';
const NOW = 1_760_000_000_000;
const first = publisher('first');
const second = publisher('second');
const third = publisher('third');
const recovery = publisher('recovery');
const thief = publisher('thief');

interface Change extends Partial<KeyChange> {
  readonly key: PublisherKey;
  readonly by?: readonly PublisherKey[];
  readonly at?: number;
  readonly origin?: string;
}

/** A change of a key at a place of the log, signed by these. */
function change(
  index: number,
  { key, by = [key], at = NOW, origin = ORIGIN, ...more }: Change,
): LoggedEvent {
  const said: KeyChange = {
    namespace: 'acme',
    change: 'added',
    hint: key.hint,
    spki: spkiOf(key),
    role: key === recovery ? 'recovery' : 'signer',
    notAfter: null,
    revokedFrom: null,
    ...more,
  };
  const endorsements = by.map((it) => endorse(origin, said, it));
  return { index, event: { event: 'key', ...said, endorsements, actor: 'ann', reason: 'why', at } };
}

const claimed = [change(0, { key: first }), change(1, { key: recovery, by: [first] })];
const ring = (...events: readonly LoggedEvent[]): readonly KeyringEntry[] =>
  keyringFrom([...claimed, ...events], ORIGIN);
const verdict = (...events: readonly LoggedEvent[]): string => refusalOf(() => ring(...events));
const entryOf = (keys: readonly KeyringEntry[], hint: string): KeyringEntry | undefined =>
  keys.find((it) => it.hint === hint);

describe('the keys of a namespace', () => {
  test('begin with one that its owner proves to hold', () => {
    expect(entryOf(ring(), 'first')).toEqual({
      namespace: 'acme',
      hint: 'first',
      spki: spkiOf(first),
      alg: 'ed25519',
      role: 'signer',
      lineage: 0,
      addedAtLogIndex: 0,
      notBefore: null,
      notAfter: null,
      revokedAtLogIndex: null,
      reason: null,
    });
    expect(refusalOf(() => keyringFrom([change(0, { key: first, by: [] })], ORIGIN))).toBe(
      'PUBLISHER_KEY_UNENDORSED',
    );
    expect(refusalOf(() => keyringFrom([change(0, { key: first, by: [thief] })], ORIGIN))).toBe(
      'PUBLISHER_KEY_UNENDORSED',
    );
  });

  test('are rotated by a current key and the recovery key, and stay one line', () => {
    const keys = ring(change(5, { key: second, by: [first, recovery] }));
    expect(entryOf(keys, 'second')).toMatchObject({
      lineage: 0,
      addedAtLogIndex: 5,
      notBefore: null,
    });
    const later = ring(
      change(5, { key: second, by: [first, recovery] }),
      change(6, { key: first, change: 'revoked' }),
      change(7, { key: third, by: [second, recovery] }),
    );
    expect(entryOf(later, 'third')?.lineage).toBe(0);
    expect([...signersOf(later, 'acme').keys()]).toEqual(['first', 'second', 'third']);
    expect(signersOf(later, 'acme').get('first')?.revokedAtLogIndex).toBe(6);
  });

  test('are apart from those of other namespaces', () => {
    const theirs = change(2, { key: thief, namespace: 'evil' });
    const keys = ring(theirs);
    expect([...signersOf(keys, 'evil').keys()]).toEqual(['thief']);
    expect(verdict(theirs, change(3, { key: second, by: [thief, recovery] }))).toBe(
      'PUBLISHER_KEY_UNENDORSED',
    );
  });

  test('of P-256 are endorsed and endorse as well', () => {
    const key = publisher('p256', 'p256');
    const keys = ring(
      change(3, { key, by: [first, recovery] }),
      change(4, { key: second, by: [key, recovery] }),
    );
    expect(entryOf(keys, 'p256')?.alg).toBe('p256');
    expect(entryOf(keys, 'second')?.lineage).toBe(0);
  });

  test('come out the same in whatever order the events are given, and one after the other', () => {
    const events = [
      ...claimed,
      change(5, { key: second, by: [first, recovery] }),
      change(6, { key: first, change: 'revoked' }),
    ];
    const whole = keyringFrom(events, ORIGIN);
    expect(keyringFrom(events.toReversed(), ORIGIN)).toEqual(whole);
    const steps = events.reduce<readonly KeyringEntry[]>(
      (keys, it) => withKeyEvent(keys, it, ORIGIN),
      [],
    );
    expect(steps).toEqual(whole);
  });
});

describe('a new key is refused', () => {
  const good = { key: second, by: [first, recovery] };
  const rotated = change(5, good);
  const withEvent = (more: object): LoggedEvent => ({
    index: 5,
    event: { ...rotated.event, ...more } as LoggedEvent['event'],
  });
  test.each([
    ['without any signature', () => change(5, { ...good, by: [] })],
    ['with its own alone', () => change(5, { ...good, by: [second] })],
    ['with the current key’s alone', () => change(5, { ...good, by: [first] })],
    ['with the recovery key’s alone', () => change(5, { ...good, by: [recovery] })],
    [
      'with a stranger’s for the recovery key’s',
      () => change(5, { ...good, by: [first, { ...thief, hint: 'recovery' }] }),
    ],
    ['with signatures over another log', () => change(5, { ...good, origin: 'other.example' })],
    [
      'with signatures over another namespace',
      () => withEvent({ endorsements: endorsed({ namespace: 'evil' }) }),
    ],
    ['with signatures over another key', () => withEvent({ spki: spkiOf(thief) })],
    ['with signatures over another hint', () => withEvent({ hint: 'another' })],
    ['with signatures over another role', () => withEvent({ role: 'recovery' })],
    ['with signatures over an earlier end', () => withEvent({ notAfter: NOW * 2 })],
    [
      'with signatures that are no base64',
      () =>
        withEvent({
          endorsements: [
            { hint: 'first', signature: '!' },
            { hint: 'recovery', signature: '' },
          ],
        }),
    ],
    [
      'under the hint of another',
      () => change(5, { key: { ...second, hint: 'first' }, by: [first, recovery] }),
    ],
    [
      'that is there under another hint',
      () => change(5, { key: { ...first, hint: 'again' }, by: [first, recovery] }),
    ],
    [
      'of RSA',
      () =>
        change(5, {
          ...good,
          spki: generateKeyPairSync('rsa', { modulusLength: 2048 })
            .publicKey.export({ type: 'spki', format: 'der' })
            .toString('base64'),
        }),
    ],
    ['that is no key', () => change(5, { ...good, spki: 'AAAA' })],
    ['in another spelling', () => change(5, { ...good, spki: `${spkiOf(second)}\n` })],
    [
      'with a compressed point',
      () => {
        const key = publisher('squeezed', 'p256');
        return change(5, { key, by: [first, recovery], spki: compressed(key) });
      },
    ],
  ])('%s', (_name, make) => {
    expect(verdict(make())).toBe('PUBLISHER_KEY_UNENDORSED');
  });

  const endorsed = (more: Partial<KeyChange>) => {
    const { event } = change(5, { ...good, ...more });
    return event.event === 'key' ? event.endorsements : [];
  };

  /** The same P-256 key in its shorter form, which OpenSSL reads as well. */
  function compressed({ privateKey }: PublisherKey): string {
    const spki = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
    const [point, head] = [spki.subarray(-64), Buffer.from(spki.subarray(0, -65))];
    head[1] = (head[1] ?? 0) - 32;
    head[head.length - 2] = (head[head.length - 2] ?? 0) - 32;
    const odd = (point[63] ?? 0) & 1;
    return Buffer.concat([head, Buffer.of(2 + odd), point.subarray(0, 32)]).toString('base64');
  }

  test('with the signature of a key that was revoked, is over, or has not begun', () => {
    const out = change(3, { key: first, change: 'revoked' });
    expect(verdict(out, rotated)).toBe('PUBLISHER_KEY_UNENDORSED');
    const short = change(3, { key: third, by: [first, recovery], notAfter: NOW + 10 });
    expect(verdict(short, change(5, { key: second, by: [third, recovery], at: NOW + 10 }))).toBe(
      'accepted',
    );
    expect(verdict(short, change(5, { key: second, by: [third, recovery], at: NOW + 11 }))).toBe(
      'PUBLISHER_KEY_UNENDORSED',
    );
    const given = change(3, { key: third, change: 'recovered' });
    const next = (at: number) => change(5, { key: second, by: [third], at });
    expect(verdict(given, next(NOW + COOL_DOWN_MS - 1))).toBe('PUBLISHER_KEY_UNENDORSED');
    expect(verdict(given, next(NOW + COOL_DOWN_MS))).toBe('accepted');
  });

  test('when a thief revoked the recovery key first', () => {
    const out = change(3, { key: recovery, change: 'revoked', by: [first] });
    expect(verdict(out, change(5, { key: thief, by: [first] }))).toBe('PUBLISHER_KEY_UNENDORSED');
    const own = change(5, { key: thief, role: 'recovery', by: [first, thief] });
    expect(verdict(out, own)).toBe('PUBLISHER_KEY_UNENDORSED');
  });

  test('when it was revoked, however well it is signed', () => {
    const out = change(6, { key: second, change: 'revoked' });
    expect(verdict(rotated, out, change(7, good))).toBe('PUBLISHER_KEY_UNENDORSED');
    expect(
      verdict(rotated, out, change(7, { ...good, key: { ...second, hint: 'second-again' } })),
    ).toBe('PUBLISHER_KEY_UNENDORSED');
  });
});

test('a thief who has a signing key, but not the recovery key, never gets a key of his own into the line', () => {
  const own = [thief, publisher('own-1'), publisher('own-2', 'p256')];
  const step = fc.record({
    key: fc.constantFrom(...own, first, recovery),
    change: fc.constantFrom('added', 'revoked', 'recovered' as const),
    role: fc.constantFrom('signer', 'recovery' as const),
    by: fc.subarray([first, ...own, { ...thief, hint: 'recovery' }]),
    later: fc.nat(5 * 24),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 8 }), (steps) => {
      let keys = ring();
      for (const [at, { later, ...more }] of steps.entries()) {
        const event = change(2 + at, { ...more, at: NOW + later * 3_600_000 });
        const outcome = refusalOf(() => (keys = withKeyEvent(keys, event, ORIGIN)));
        expect(outcome).toMatch(/^(?:accepted|PUBLISHER_KEY_UNENDORSED)$/u);
      }
      expect(keys.filter(({ lineage }) => lineage === 0).map(({ hint }) => hint)).toEqual([
        'first',
        'recovery',
      ]);
    }),
    { numRuns: 300 },
  );
});

describe('a revocation', () => {
  test('counts from its place in the log, or from an earlier one that it names', () => {
    expect(entryOf(ring(change(9, { key: first, change: 'revoked' })), 'first')).toMatchObject({
      revokedAtLogIndex: 9,
      reason: 'why',
    });
    const earlier = ring(change(9, { key: first, change: 'revoked', revokedFrom: 4 }));
    expect(entryOf(earlier, 'first')?.revokedAtLogIndex).toBe(4);
  });

  test('never reaches into the future, and a second one never takes back the first', () => {
    const future = ring(change(9, { key: first, change: 'revoked', revokedFrom: 900 }));
    expect(entryOf(future, 'first')?.revokedAtLogIndex).toBe(9);
    const twice = ring(
      change(9, { key: first, change: 'revoked', revokedFrom: 4 }),
      change(20, { key: first, change: 'revoked' }),
    );
    expect(entryOf(twice, 'first')?.revokedAtLogIndex).toBe(4);
  });

  test('of a key that is not there is refused', () => {
    expect(verdict(change(9, { key: thief, change: 'revoked' }))).toBe('PUBLISHER_KEY_UNENDORSED');
    expect(verdict(change(9, { key: { ...thief, hint: 'first' }, change: 'revoked' }))).toBe(
      'PUBLISHER_KEY_UNENDORSED',
    );
  });
});

describe('a recovery by an admin', () => {
  const given = change(8, { key: third, change: 'recovered' });

  test('begins another line of keys, after three days, so that every host sees another publisher', () => {
    const keys = ring(given);
    expect(entryOf(keys, 'third')).toMatchObject({
      lineage: 8,
      addedAtLogIndex: 8,
      notBefore: NOW + COOL_DOWN_MS,
    });
    expect(entryOf(keys, 'first')).toMatchObject({ lineage: 0, revokedAtLogIndex: null });
  });

  test('needs the new owner’s proof', () => {
    expect(verdict(change(8, { key: third, change: 'recovered', by: [] }))).toBe(
      'PUBLISHER_KEY_UNENDORSED',
    );
  });

  test('can be stopped by the owner in that time', () => {
    const keys = ring(given, change(9, { key: third, change: 'revoked', by: [first] }));
    expect(entryOf(keys, 'third')?.revokedAtLogIndex).toBe(9);
  });

  test('gives the new line no say in the old one, nor the old recovery key a say in the new', () => {
    const at = NOW + COOL_DOWN_MS;
    const keys = ring(given, change(10, { key: second, by: [third], at }));
    expect(entryOf(keys, 'second')?.lineage).toBe(8);
    const newRecovery = change(10, {
      key: { ...thief, hint: 'recovery-2' },
      role: 'recovery',
      by: [third],
      at,
    });
    expect(
      verdict(given, newRecovery, change(11, { key: second, by: [third, recovery], at })),
    ).toBe('PUBLISHER_KEY_UNENDORSED');
  });
});

test('other events of a log change nothing', () => {
  const published = {
    event: 'published',
    plugin: 'acme/ocr',
    version: '1.0.0',
    digest: 'sha512-',
    publisher: 'first',
    at: NOW,
  } as const;
  expect(ring({ index: 3, event: published })).toEqual(ring());
});
