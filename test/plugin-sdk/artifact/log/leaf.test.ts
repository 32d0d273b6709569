import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  eventLeaf,
  eventOf,
  publicationLeaf,
  signArtifact,
  spkiOf,
} from '@runtime-hub/plugin-sdk/artifact';
import type { LogEvent } from '@runtime-hub/plugin-sdk/contract';
import { artifactFor, publisher } from '../release-parts.ts';
import { refusalOf } from '../tar-parts.ts';

const digest = `sha512-${'a'.repeat(128)}`;
const published: LogEvent = {
  event: 'published',
  plugin: 'acme/ocr',
  version: '1.0.0',
  digest,
  publisher: 'acme-2026',
  at: 5,
};
const events: readonly LogEvent[] = [
  published,
  {
    event: 'state',
    plugin: 'acme/ocr',
    version: '1.0.0',
    digest,
    from: 'active',
    to: 'revoked',
    actor: 'admin',
    reason: 'it steals “keys”\n',
    at: 6,
  },
  {
    event: 'key',
    namespace: 'acme',
    change: 'added',
    hint: 'acme-2026',
    spki: 'AAAA',
    role: 'signer',
    notAfter: null,
    revokedFrom: null,
    endorsements: [{ hint: 'acme-2025', signature: 'AAAA' }],
    actor: 'ann',
    reason: '',
    at: 7,
  },
];
const verdict = (leaf: string | Buffer): string => refusalOf(() => eventOf(Buffer.from(leaf)));

test.each(events.map((event) => [event.event, event] as const))(
  'a leaf of a %s event says what happened',
  (_name, event) => {
    expect(eventOf(eventLeaf(event))).toEqual(event);
  },
);

test('a leaf is the same bytes whatever the order of an event’s fields', () => {
  for (const event of events) {
    const turned = Object.fromEntries(Object.entries(event).toReversed()) as LogEvent;
    expect(eventLeaf(turned)).toEqual(eventLeaf(event));
  }
});

test('the leaf of a publication is Rekor’s entry for the envelope, and says besides what was published', async () => {
  const key = publisher();
  const bundle = await signArtifact(artifactFor(), key);
  const leaf = publicationLeaf(bundle, spkiOf(key), published);
  expect(eventOf(leaf)).toEqual(published);
  expect(eventOf(publicationLeaf(bundle, spkiOf(key)))).toBeNull();
  expect(JSON.parse(leaf.toString())).toMatchObject({
    apiVersion: '0.0.1',
    kind: 'dsse',
    hub: published,
  });
});

describe('a leaf is refused', () => {
  const good = eventLeaf(published).toString();
  test.each([
    ['with white space', `${good} `],
    [
      'with its keys in another order',
      good.replace('{"apiVersion":"0.0.1","kind":"hub",', '{"kind":"hub","apiVersion":"0.0.1",'),
    ],
    ['with a key twice', good.replace('"kind":"hub"', '"kind":"hub","kind":"hub"')],
    ['with a number in another form', good.replace('"at":5', '"at":5.0')],
    ['with an escape nobody needs', good.replace('acme/ocr', 'acme\\/ocr')],
    ['with one field more', good.replace('"at":5', '"at":5,"b":1')],
    ['of another kind', good.replace('"kind":"hub"', '"kind":"rekord"')],
    ['of another version', good.replace('"0.0.1"', '"0.0.2"')],
    ['of another event', good.replace('"published"', '"unpublished"')],
    ['with a byte order mark', `\ufeff${good}`],
    ['that is empty', ''],
    ['that is null', 'null'],
    ['that is a list', '[]'],
    ['with __proto__', good.replace('"kind":"hub"', '"__proto__":{},"kind":"hub"')],
    ['that is no UTF-8', Buffer.from([0xff, 0xfe])],
  ])('%s', (_name, leaf) => {
    expect(verdict(leaf)).toBe('LOG_LEAF_MALFORMED');
  });

  test('whatever bytes it is', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(verdict(Buffer.from(bytes))).toBe('LOG_LEAF_MALFORMED');
      }),
    );
  });
});
