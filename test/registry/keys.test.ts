import { expect, test } from 'vitest';
import { COOL_DOWN_MS } from '@runtime-hub/plugin-sdk/artifact';
import {
  artifactOf,
  keyRequest,
  makePublisher,
  newKey,
  openRegistry,
  post,
  publishOne,
  type OpenRegistry,
} from './open-registry.ts';

const change = async (at: OpenRegistry, token: string | undefined, json: unknown) =>
  await at.ask('POST', '/v1/namespaces/acme/keys', { token, json });

test('a new key needs a current one and, where there is one, the recovery key', async () => {
  await using at = await openRegistry();
  const acme = await makePublisher(at, 'acme');
  const [recovery, next] = [newKey('acme-recovery'), newKey('acme-2027', 'p256')];
  expect(
    (await change(at, acme.token, keyRequest('acme', recovery, [acme.key], { role: 'recovery' })))
      .status,
  ).toBe(201);
  const alone = await change(at, acme.token, keyRequest('acme', next, [acme.key]));
  expect(alone.json.code).toBe('PUBLISHER_KEY_UNENDORSED');
  expect(
    (await change(at, acme.token, keyRequest('acme', next, [newKey('acme-2026'), recovery]))).json
      .code,
  ).toBe('PUBLISHER_KEY_UNENDORSED');
  expect(
    (await change(at, acme.token, keyRequest('acme', next, [acme.key, recovery]))).status,
  ).toBe(201);
  const published = await post(
    at.ask,
    { key: next, token: acme.token },
    artifactOf('acme/ocr', '1.0.0'),
  );
  expect(published.status).toBe(201);
});

test('a revoked key signs nothing more, and what it signed before stays', async () => {
  await using at = await openRegistry();
  const acme = await makePublisher(at, 'acme');
  await publishOne(at, acme, 'ocr');
  const next = newKey('acme-2027');
  await change(at, acme.token, keyRequest('acme', next, [acme.key]));
  const revoked = await change(
    at,
    acme.token,
    keyRequest('acme', acme.key, [], { change: 'revoked', reason: 'stolen' }),
  );
  expect(revoked.status).toBe(201);
  const refused = await post(at.ask, acme, artifactOf('acme/ocr', '1.1.0'));
  expect(refused.json.code).toBe('PUBLISHER_UNTRUSTED');
  const { keys } = (await at.ask('GET', '/v1/namespaces/acme')).json;
  expect(keys).toMatchObject([
    { hint: 'acme-2026', reason: 'stolen' },
    { hint: 'acme-2027', revokedAtLogIndex: null },
  ]);
  expect((await at.ask('GET', '/v1/plugins/acme/ocr/1.0.0')).json.state).toBe('active');
  const back = await change(at, acme.token, keyRequest('acme', acme.key, [next]));
  expect(back.json.code).toBe('PUBLISHER_KEY_UNENDORSED');
});

test('a key that an admin gives to a namespace without keys counts after 72 hours', async () => {
  await using at = await openRegistry();
  const acme = await makePublisher(at, 'acme');
  const found = newKey('acme-found');
  const request = keyRequest('acme', found, [found], { change: 'recovered' });
  expect((await change(at, acme.token, request)).json.code).toBe('TOKEN_SCOPE_TOO_NARROW');
  expect((await change(at, at.registry.adminToken ?? '', request)).status).toBe(201);
  const early = await post(
    at.ask,
    { key: found, token: acme.token },
    artifactOf('acme/ocr', '1.0.0'),
  );
  expect(early.json.code).toBe('PUBLISHER_UNTRUSTED');
  at.clock.advance(COOL_DOWN_MS);
  const later = await post(
    at.ask,
    { key: found, token: acme.token },
    artifactOf('acme/ocr', '1.0.0'),
  );
  expect(later.status).toBe(201);
});

test('an expired key signs nothing', async () => {
  await using at = await openRegistry();
  const acme = await makePublisher(at, 'acme');
  const brief = newKey('acme-brief');
  await change(
    at,
    acme.token,
    keyRequest('acme', brief, [acme.key], { notAfter: at.clock.now() + 1000 }),
  );
  at.clock.advance(2000);
  const reply = await post(
    at.ask,
    { key: brief, token: acme.token },
    artifactOf('acme/ocr', '1.0.0'),
  );
  expect(reply.json.code).toBe('PUBLISHER_UNTRUSTED');
});

test('strangers, tokens for one plugin and nobody change no keys', async () => {
  await using at = await openRegistry();
  const acme = await makePublisher(at, 'acme');
  const globex = await makePublisher(at, 'globex');
  const json = { scope: 'publish', namespace: 'acme', plugin: 'acme/ocr', note: '' };
  const { token } = (await at.admin('POST', '/v1/admin/tokens', { json })).json;
  const next = keyRequest('acme', newKey('acme-2027'), [acme.key]);
  expect((await change(at, globex.token, next)).json.code).toBe('TOKEN_SCOPE_TOO_NARROW');
  expect((await change(at, token, next)).json.code).toBe('TOKEN_SCOPE_TOO_NARROW');
  expect((await change(at, undefined, next)).json.code).toBe('TOKEN_MISSING');
});

test('a key that no verifier believes is refused', async () => {
  await using at = await openRegistry();
  const acme = await makePublisher(at, 'acme');
  const weak = { ...keyRequest('acme', newKey('weak'), [acme.key]), spki: 'MCowBQYDK2VuAyEA' };
  expect((await change(at, acme.token, weak)).json.code).toBe('PUBLISHER_KEY_UNENDORSED');
});

test.each([
  ['acme', 'it is taken'],
  ['acne', 'it looks like acme'],
  ['acmes', 'it looks like acme'],
  ['ac-me', 'it looks like acme'],
  ['4cme', null],
  ['acm3', 'it looks like acme'],
  ['rocket-1abs', 'it looks like rocket-labs'],
  ['rocketlabs', 'it looks like rocket-labs'],
  ['__proto__', null],
  ['initech', 'made'],
])('the namespace %s: %s', async (name, outcome) => {
  await using at = await openRegistry();
  await makePublisher(at, 'acme');
  await makePublisher(at, 'rocket-labs');
  const reply = await at.admin('POST', '/v1/admin/namespaces', {
    json: { name, visibility: 'public' },
  });
  if (outcome === 'made') expect(reply.status).toBe(201);
  else if (outcome === null) expect(reply.json.code).toBe('REGISTRY_REQUEST_INVALID');
  else
    expect(reply.json).toMatchObject({
      code: 'REGISTRY_NAMESPACE_REFUSED',
      data: { reason: outcome },
    });
});

test('an admin who has looked may allow a name that looks like another', async () => {
  await using at = await openRegistry();
  await makePublisher(at, 'acme');
  const json = { name: 'acne', visibility: 'public', despite: ['acme'] };
  expect((await at.admin('POST', '/v1/admin/namespaces', { json })).status).toBe(201);
});
