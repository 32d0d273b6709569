import { parseTrustPolicy, spkiOf, type TrustPolicy } from '@runtime-hub/plugin-sdk/artifact';
import { HubError } from '@runtime-hub/plugin-sdk/contract';
import { expect, test } from 'vitest';
import { isHostDenied } from '../../../plugin-sdk/artifact/policy-checks.ts';
import { mayBeUnsigned, signersFor } from '../../../plugin-sdk/artifact/trust-policy.ts';
import { keyOf, publisher } from './release-parts.ts';

const spki = spkiOf({ privateKey: keyOf('ed25519') });
const p256 = spkiOf(publisher('p', 'p256'));
const registry = {
  origin: 'reg.acme',
  url: 'https://reg.acme',
  logKey: spki,
  tufRootSha256: 'a'.repeat(64),
};
const old: TrustPolicy = {
  version: 1,
  keys: { boss: { spki, alg: 'ed25519' } },
  log: { origin: 'local', spki },
  namespaces: [{ match: 'core/*', signers: ['boss'] }],
  drivers: [],
  autoGrant: [],
  minIsolation: 'strong',
};
const full: TrustPolicy = {
  ...old,
  registries: [{ ...registry, maxMetadataAgeHours: 168, minReleaseAgeHours: 72 }],
  namespaces: [
    ...old.namespaces,
    { match: 'acme/*', origin: 'reg.acme', exclusive: true, keyring: true },
    {
      match: '*/*',
      origin: 'reg.acme',
      signers: ['boss'],
      require: ['review'],
      approvers: ['boss'],
    },
  ],
  permissions: { deny: ['process.run'], denyHosts: ['*.corp'], requireReason: true },
  updates: {
    auto: 'patch',
    onMorePermissions: 'hold',
    onPublisherChange: 'hold',
    onRuntimeChange: 'hold',
  },
  unsigned: { allow: ['dev/*'] },
};

const fieldOf = (value: unknown): string => {
  try {
    parseTrustPolicy(value);
    return 'accepted';
  } catch (error) {
    return HubError.is(error, 'HUB_REQUEST_INVALID') ? error.data.field : String(error);
  }
};

test('a policy of an older hub, and one that says everything, are taken', () => {
  expect(fieldOf(old)).toBe('accepted');
  expect(fieldOf(full)).toBe('accepted');
});

const entry = (more: object) => ({ ...full, namespaces: [{ match: 'acme/*', ...more }] });
test.each([
  ['/namespaces/0/origin', entry({ origin: 'elsewhere' })],
  ['/namespaces/0/keyring', entry({ keyring: true })],
  ['/namespaces/0/keyring', entry({ origin: 'reg.acme', keyring: false })],
  ['/namespaces/0/match', { ...full, namespaces: [{ match: '*/*', signers: ['boss'] }] }],
  ['/namespaces/0/match', { ...full, namespaces: [{ match: '*/ocr', origin: 'reg.acme' }] }],
  ['/namespaces/0/approvers', entry({ origin: 'reg.acme', require: ['review'] })],
  [
    '/namespaces/0/require/0',
    entry({ origin: 'reg.acme', require: ['luck'], approvers: ['boss'] }),
  ],
  ['/registries/0/logKey', { ...full, registries: [{ ...registry, logKey: p256 }] }],
  ['/registries/1/origin', { ...full, registries: [registry, registry] }],
  ['/registries/0/origin', { ...full, registries: [{ ...registry, origin: 'local' }] }],
  ['/registries/0/origin', { ...full, registries: [{ ...registry, origin: '../x' }] }],
  ['/registries/0/url', { ...full, registries: [{ ...registry, url: 'file:///etc' }] }],
  ['/updates/auto', { ...full, updates: { auto: 'major' } }],
  ['/updates/onMorePermissions', { ...full, updates: { onMorePermissions: 'allow' } }],
  ['/permissions/deny/0', { ...full, permissions: { deny: ['everything'] } }],
  ['/permissions', { ...full, permissions: { allow: [] } }],
  ['/unsigned/allow/0', { ...full, unsigned: { allow: ['*/*'] } }],
  ['/keys/unsigned', { ...full, keys: { ...full.keys, unsigned: { spki, alg: 'ed25519' } } }],
])('what is wrong at %s is refused there', (field, value) => {
  expect(fieldOf(value)).toBe(`trust-policy.json ${field}`);
});

test('a signer is its origin’s: one named for the registry signs nothing that this hub logged', () => {
  expect([...signersFor(full, 'zeta/ocr', 'reg.acme').keys()]).toEqual(['boss']);
  expect([...signersFor(full, 'zeta/ocr').keys()]).toEqual([]);
  expect([...signersFor(full, 'core/flow').keys()]).toEqual(['boss']);
});

test('only what is on the list, and nobody signs for, may be unsigned', () => {
  expect(mayBeUnsigned({ ...full, namespaces: old.namespaces }, 'dev/mine')).toBe(true);
  expect(mayBeUnsigned({ ...full, namespaces: old.namespaces }, 'other/mine')).toBe(false);
  expect(mayBeUnsigned(full, 'dev/mine')).toBe(false);
  expect(mayBeUnsigned(old, 'core/flow')).toBe(false);
  expect(mayBeUnsigned(old, 'mine/one')).toBe(true);
});

test('a denied host is denied on every port and without encryption, its neighbours are not', () => {
  for (const target of ['mail.corp', 'mail.corp:8443', 'http://mail.corp', 'http://a.b.corp:81'])
    expect(isHostDenied(full, target)).toBe(true);
  for (const target of ['corp', 'evilcorp', 'mail.corp.example', 'corp.example:443'])
    expect(isHostDenied(full, target)).toBe(false);
});
