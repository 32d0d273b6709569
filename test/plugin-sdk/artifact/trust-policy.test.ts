import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { parseTrustPolicy, type TrustPolicy } from '@runtime-hub/plugin-sdk/artifact';
import { HubError, pluginId } from '@runtime-hub/plugin-sdk/contract';
import { limitsOf, mayDrive, signersFor } from '../../../plugin-sdk/artifact/trust-policy.ts';
import { keyOf, spkiOf } from './release-parts.ts';

const core = spkiOf(keyOf('ed25519'));
const acme = spkiOf(keyOf('p256'));
const policy: TrustPolicy = {
  version: 1,
  keys: { 'core-2026': { spki: core, alg: 'ed25519' }, 'acme-2026': { spki: acme, alg: 'p256' } },
  log: { origin: 'log.example', spki: spkiOf(keyOf('ed25519')) },
  namespaces: [
    { match: 'core/*', signers: ['core-2026'] },
    { match: 'acme/*', signers: ['acme-2026'] },
    { match: 'acme/shared', signers: ['core-2026'] },
    { match: 'lost/*', signers: ['gone-2020', '__proto__', 'constructor'] },
    { match: 'empty/*', signers: [] },
  ],
  drivers: ['core/*', 'acme/camera'],
  autoGrant: ['log'],
  minIsolation: 'strong',
};
const hints = (plugin: string): string[] => [...signersFor(policy, plugin).keys()];

describe('who may sign', () => {
  test.each<[string, string[]]>([
    ['core/flow', ['core-2026']],
    ['acme/ocr', ['acme-2026']],
    ['acme/shared', ['acme-2026', 'core-2026']],
    ['acme/shared-not', ['acme-2026']],
    ['other/ocr', []],
    ['core-evil/flow', []],
    ['cor/flow', []],
    ['core', []],
    ['corex/flow', []],
    ['evil/core/flow', []],
    ['CORE/flow', []],
    ['lost/plugin', []],
    ['empty/plugin', []],
    ['', []],
  ])('for %s: %j', (plugin, expected) => {
    expect(hints(plugin)).toEqual(expected);
  });

  test('a hint gives the key that the policy names, and no property of an object', () => {
    expect(signersFor(policy, 'core/flow').get('core-2026')).toBe(core);
    expect(signersFor(policy, 'core/flow').get('acme-2026')).toBeUndefined();
    expect(signersFor(policy, 'core/flow').get('__proto__')).toBeUndefined();
  });

  test('a policy without namespaces trusts nobody', () => {
    expect(signersFor({ ...policy, namespaces: [] }, 'core/flow').size).toBe(0);
  });
});

describe('who may drive a device', () => {
  test.each<[string, boolean]>([
    ['core/screen', true],
    ['acme/camera', true],
    ['acme/camera-two', false],
    ['acme/ocr', false],
    ['corex/screen', false],
    ['other/camera', false],
  ])('%s: %s', (plugin, may) => {
    expect(mayDrive(policy, pluginId(plugin))).toBe(may);
  });

  test('nobody, when the policy names nobody', () => {
    expect(mayDrive({ ...policy, drivers: [] }, pluginId('core/screen'))).toBe(false);
  });
});

describe('a policy file', () => {
  /** The field that a refusal names. */
  function refusedField(value: unknown): string {
    try {
      parseTrustPolicy(value);
    } catch (error) {
      if (HubError.is(error, 'HUB_REQUEST_INVALID')) return error.data.field;
      throw error;
    }
    return 'accepted';
  }
  const withKey = (spki: string, alg: string): unknown => ({
    ...policy,
    keys: { k: { spki, alg } },
  });
  const ec = (namedCurve: string): string =>
    spkiOf(generateKeyPairSync('ec', { namedCurve }).privateKey);

  test('of the right form is taken as it is', () => {
    expect(parseTrustPolicy(JSON.parse(JSON.stringify(policy)))).toEqual(policy);
  });

  test.each<[string, unknown, string]>([
    ['nothing', null, 'trust-policy.json'],
    ['a list', [], 'trust-policy.json'],
    ['an empty object', {}, 'trust-policy.json'],
    ['another version', { ...policy, version: 2 }, 'trust-policy.json /version'],
    ['a field that nobody knows', { ...policy, mode: 'off' }, 'trust-policy.json'],
    [
      'a weaker isolation than there is',
      { ...policy, minIsolation: 'none' },
      'trust-policy.json /minIsolation',
    ],
    [
      'an unknown capability to grant',
      { ...policy, autoGrant: ['everything'] },
      'trust-policy.json /autoGrant/0',
    ],
    ['every plugin as a driver', { ...policy, drivers: ['*'] }, 'trust-policy.json /drivers/0'],
    [
      'every namespace',
      { ...policy, namespaces: [{ match: '*/*', signers: [] }] },
      'trust-policy.json /namespaces/0/match',
    ],
    [
      'part of a name',
      { ...policy, namespaces: [{ match: 'core/s*', signers: [] }] },
      'trust-policy.json /namespaces/0/match',
    ],
    [
      'an empty signer',
      { ...policy, namespaces: [{ match: 'core/*', signers: [''] }] },
      'trust-policy.json /namespaces/0/signers/0',
    ],
    [
      'a threshold nobody reads',
      { ...policy, namespaces: [{ match: 'core/*', signers: [], threshold: 0 }] },
      'trust-policy.json /namespaces/0',
    ],
    ['an unknown algorithm', withKey(core, 'rsa'), 'trust-policy.json /keys/k/alg'],
    ['a key of the other algorithm', withKey(core, 'p256'), 'trust-policy.json /keys/k/spki'],
    ['a P-256 key called Ed25519', withKey(acme, 'ed25519'), 'trust-policy.json /keys/k/spki'],
    [
      'a P-384 key called P-256',
      withKey(ec('secp384r1'), 'p256'),
      'trust-policy.json /keys/k/spki',
    ],
    [
      'a secp256k1 key called P-256',
      withKey(ec('secp256k1'), 'p256'),
      'trust-policy.json /keys/k/spki',
    ],
    ['a key that is none', withKey('AAAA', 'ed25519'), 'trust-policy.json /keys/k/spki'],
    [
      'a log key that is none',
      { ...policy, log: { origin: 'log.example', spki: 'AAAA' } },
      'trust-policy.json /log/spki',
    ],
    [
      'a log key of P-256',
      { ...policy, log: { origin: 'log.example', spki: acme } },
      'trust-policy.json /log/spki',
    ],
  ])('with %s is refused, and the field named', (_name, value, field) => {
    expect(refusedField(value)).toBe(field);
  });
});

describe('what the admin sets for plugins', () => {
  const limits = [
    { match: 'acme/*', memoryMb: 64, callsPerSecond: 10 },
    { match: 'acme/ocr', memoryMb: 128 },
  ];

  test('the later entry wins, field by field; others have the defaults', () => {
    const set = parseTrustPolicy({ ...policy, limits });
    expect(limitsOf(set, pluginId('acme/mail'))).toEqual({ memoryMb: 64, callsPerSecond: 10 });
    expect(limitsOf(set, pluginId('acme/ocr'))).toEqual({ memoryMb: 128, callsPerSecond: 10 });
    expect(limitsOf(set, pluginId('core/flow'))).toEqual({});
    expect(limitsOf(policy, pluginId('acme/ocr'))).toEqual({});
  });

  test.each<[string, object]>([
    ['/limits/0/memoryMb', { limits: [{ match: 'acme/*', memoryMb: 4 }] }],
    ['/limits/0', { limits: [{ match: 'acme/*', speed: 4 }] }],
    ['/limits/0/match', { limits: [{ match: '*' }] }],
    ['/networks/0', { networks: ['10.0.0.0'] }],
    ['/networks/1', { networks: ['10.0.0.0/8', '10.0.0.0/33'] }],
    ['/networks/0', { networks: ['fd00::/129'] }],
    ['/networks/0', { networks: ['example.com/8'] }],
  ])('%s is named when it does not fit: %j', (at, odd) => {
    expect(() => parseTrustPolicy({ ...policy, ...odd })).toThrow(
      expect.objectContaining({
        code: 'HUB_REQUEST_INVALID',
        message: expect.stringContaining(at),
      }),
    );
  });

  test('networks are given as CIDR', () => {
    const networks = ['10.0.0.0/8', '127.0.0.1/32', 'fd00::/8'];
    expect(parseTrustPolicy({ ...policy, networks }).networks).toEqual(networks);
  });
});
