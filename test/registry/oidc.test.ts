import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { SignJWT, UnsecuredJWT, exportJWK, generateKeyPair } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  artifactOf,
  makePublisher,
  openRegistry,
  ORIGIN,
  post,
  type OpenRegistry,
  type Publisher,
} from './open-registry.ts';

const ISSUER = 'https://token.ci.example';
const CLAIMS = {
  sub: 'repo:acme/ocr:ref:refs/heads/main',
  repository_id: '4711',
  repository_owner_id: '42',
};

let at: OpenRegistry;
let acme: Publisher;
let keys: Awaited<ReturnType<typeof generateKeyPair>>;
let others: Awaited<ReturnType<typeof generateKeyPair>>;

beforeAll(async () => {
  at = await openRegistry({ limits: { guessesPerMinute: null } });
  acme = await makePublisher(at, 'acme');
  await makePublisher(at, 'globex');
  [keys, others] = await Promise.all([generateKeyPair('ES256'), generateKeyPair('ES256')]);
  const jwks = { keys: [{ ...(await exportJWK(keys.publicKey)), kid: 'one', alg: 'ES256' }] };
  expect(
    (await at.admin('POST', '/v1/admin/issuers', { json: { issuer: ISSUER, jwks } })).status,
  ).toBe(201);
  const { repository_id, repository_owner_id } = CLAIMS;
  const workload = {
    namespace: 'acme',
    plugin: 'acme/ocr',
    issuer: ISSUER,
    claims: { repository_id, repository_owner_id },
  };
  expect((await at.admin('POST', '/v1/admin/workloads', { json: workload })).status).toBe(201);
});
afterAll(async () => await at[Symbol.asyncDispose]());

interface Wish {
  readonly claims?: Record<string, unknown>;
  readonly audience?: string;
  readonly issuer?: string;
  readonly age?: number;
  readonly life?: number;
  readonly jti?: string;
  readonly key?: Awaited<ReturnType<typeof generateKeyPair>>['privateKey'];
}

async function jwt(wish: Wish = {}): Promise<string> {
  const {
    claims = CLAIMS,
    audience = ORIGIN,
    issuer = ISSUER,
    age = 0,
    life = 300,
    jti = randomUUID(),
    key = keys.privateKey,
  } = wish;
  const now = Math.floor(at.clock.now() / 1000) - age;
  return await new SignJWT(claims)
    .setProtectedHeader({ alg: 'ES256', kid: 'one' })
    .setIssuer(issuer)
    .setAudience(audience)
    .setIssuedAt(now)
    .setExpirationTime(now + life)
    .setJti(jti)
    .sign(key);
}

const exchange = async (token: string, plugin = 'acme/ocr') =>
  await at.ask('POST', '/v1/auth/oidc/exchange', { json: { token, plugin } });

test('a build job gets a token that publishes its plugin, and nothing else, for a quarter of an hour', async () => {
  const { token, expiresAt } = (await exchange(await jwt())).json;
  expect(expiresAt).toBe(at.clock.now() + 15 * 60_000);
  const other = await post(at.ask, { key: acme.key, token }, artifactOf('acme/other', '1.0.0'));
  expect(other.json.code).toBe('TOKEN_SCOPE_TOO_NARROW');
  expect(
    (await post(at.ask, { key: acme.key, token }, artifactOf('acme/ocr', '1.0.0'))).status,
  ).toBe(201);
  at.clock.advance(15 * 60_000);
  const late = await post(at.ask, { key: acme.key, token }, artifactOf('acme/ocr', '1.1.0'));
  expect(late.json.code).toBe('TOKEN_INVALID');
});

test('a token that was used is not taken again', async () => {
  const token = await jwt();
  expect((await exchange(token)).status).toBe(200);
  expect((await exchange(token)).json).toMatchObject({
    code: 'TOKEN_EXCHANGE_REFUSED',
    data: { reason: 'it was used before' },
  });
  const jti = randomUUID();
  const both = await Promise.all([exchange(await jwt({ jti })), exchange(await jwt({ jti }))]);
  expect(both.map((it) => it.status).toSorted((a, b) => a - b)).toEqual([200, 401]);
});

const claimless = async (missing: 'jti' | 'exp'): Promise<string> => {
  const now = Math.floor(at.clock.now() / 1000);
  const draft = new SignJWT(CLAIMS)
    .setProtectedHeader({ alg: 'ES256' })
    .setIssuer(ISSUER)
    .setAudience(ORIGIN)
    .setIssuedAt(now);
  if (missing === 'jti') draft.setExpirationTime(now + 300);
  else draft.setJti(randomUUID());
  return await draft.sign(keys.privateKey);
};
const unsigned = (): string =>
  new UnsecuredJWT(CLAIMS)
    .setIssuer(ISSUER)
    .setAudience(ORIGIN)
    .setIssuedAt(at.clock.now() / 1000)
    .setExpirationTime(at.clock.now() / 1000 + 300)
    .setJti('none')
    .encode();

const REFUSED: Readonly<Record<string, () => Promise<string> | string>> = {
  'for another audience': async () => await jwt({ audience: 'https://pypi.org' }),
  'of an issuer nobody named': async () => await jwt({ issuer: 'https://evil.example' }),
  'of an issuer that only looks the same': async () => await jwt({ issuer: `${ISSUER}/` }),
  'signed with another key': async () => await jwt({ key: others.privateKey }),
  'that has expired': async () => await jwt({ age: 3000 }),
  'from the future': async () => await jwt({ age: -600 }),
  'that was issued long ago and never ends': async () => await jwt({ age: 90_000, life: 1e7 }),
  'without an end': async () => await claimless('exp'),
  'without an id of its own': async () => await claimless('jti'),
  'without a signature (alg none)': unsigned,
  'of a fork': async () => await jwt({ claims: { ...CLAIMS, repository_id: '4712' } }),
  'of an owner who got a name that somebody gave up': async () =>
    await jwt({ claims: { ...CLAIMS, repository_owner_id: '43' } }),
  'whose claim is a list that holds the value': async () =>
    await jwt({ claims: { ...CLAIMS, repository_id: ['4711'] } }),
  'without the claim': async () => await jwt({ claims: { sub: CLAIMS.sub } }),
  'signed with the public key as a secret (HS256)': async () => {
    const secret = new TextEncoder().encode(JSON.stringify(await exportJWK(keys.publicKey)));
    return await new SignJWT(CLAIMS)
      .setProtectedHeader({ alg: 'HS256', kid: 'one' })
      .setIssuer(ISSUER)
      .setAudience(ORIGIN)
      .setIssuedAt()
      .setExpirationTime('5m')
      .setJti('hs')
      .sign(secret);
  },
  'that is no JWT': () => 'aaaa.nonsense.cccc',
};

test.each(Object.entries(REFUSED))(
  'a token %s is refused, and not repeated',
  async (_name, make) => {
    const token = await make();
    const reply = await exchange(token);
    expect(reply.json.code).toBe('TOKEN_EXCHANGE_REFUSED');
    expect(reply.text).not.toContain(token.split('.')[1] ?? token);
  },
);

test('a build job of one namespace gets no token for another', async () => {
  for (const plugin of ['globex/ocr', 'acme/other', 'nobody/there'])
    expect((await exchange(await jwt(), plugin)).json).toMatchObject({
      code: 'TOKEN_EXCHANGE_REFUSED',
      data: { reason: 'no such build job may publish this plugin' },
    });
});

test('an issuer’s keys are fetched from the address its admin gave, and an address that is down refuses quickly', async () => {
  const jwk = { ...(await exportJWK(others.publicKey)), kid: 'two', alg: 'ES256' };
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ keys: [jwk] }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const issuer = 'https://fetched.example';
  const jwksUrl = `http://127.0.0.1:${String(port)}/keys`;
  await at.admin('POST', '/v1/admin/issuers', { json: { issuer, jwksUrl } });
  const claims = { sub: 'job' };
  await at.admin('POST', '/v1/admin/workloads', { json: { namespace: 'acme', issuer, claims } });
  const make = async () => {
    const now = Math.floor(at.clock.now() / 1000);
    return await new SignJWT(claims)
      .setProtectedHeader({ alg: 'ES256', kid: 'two' })
      .setIssuer(issuer)
      .setAudience(ORIGIN)
      .setIssuedAt(now)
      .setExpirationTime(now + 60)
      .setJti(randomUUID())
      .sign(others.privateKey);
  };
  expect((await exchange(await make(), 'acme/any')).status).toBe(200);
  server.closeAllConnections();
  server.close();
  await at.admin('POST', '/v1/admin/issuers', { json: { issuer, jwksUrl: `${jwksUrl}/gone` } });
  const started = performance.now();
  expect((await exchange(await make(), 'acme/any')).json.code).toBe('TOKEN_EXCHANGE_REFUSED');
  expect(performance.now() - started).toBeLessThan(3000);
});

test.each([
  [{ issuer: ISSUER, jwksUrl: 'http://169.254.169.254/latest' }],
  [{ issuer: ISSUER, jwksUrl: 'file:///etc/passwd' }],
  [{ issuer: 'not a url', jwks: { keys: [{ kty: 'EC' }] } }],
  [{ issuer: ISSUER, jwks: { keys: [] } }],
])('the issuer %j is refused', async (json) => {
  expect((await at.admin('POST', '/v1/admin/issuers', { json })).json.code).toBe(
    'REGISTRY_REQUEST_INVALID',
  );
});

test('a workload that names neither a subject nor a repository’s id is refused', async () => {
  const json = { namespace: 'acme', issuer: ISSUER, claims: { repository: 'acme/ocr' } };
  expect((await at.admin('POST', '/v1/admin/workloads', { json })).json.code).toBe(
    'REGISTRY_REQUEST_INVALID',
  );
});
