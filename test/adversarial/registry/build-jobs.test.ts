import { randomUUID } from 'node:crypto';
import { SignJWT, UnsecuredJWT, exportJWK, generateKeyPair } from 'jose';
import { beforeAll, expect } from 'vitest';
import { ORIGIN, type Reply } from '../../registry/open-registry.ts';
import { at, playAttacks, adminPost, type Attack } from './api-stage.ts';

const ISSUER = 'https://token.ci.example';
/** Of the build service: its key, and one that is not in its list. */
const [{ privateKey: ci, publicKey }, { privateKey: notCi }] = await Promise.all([
  generateKeyPair('ES256'),
  generateKeyPair('ES256'),
]);
type Key = typeof ci;

beforeAll(async () => {
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256' }] };
  await adminPost('/v1/admin/issuers', { issuer: ISSUER, jwks });
  const claims = { repository_id: '4711', repository_owner_id: '42' };
  const wish = { namespace: 'acme', plugin: 'acme/ocr', issuer: ISSUER, claims };
  expect((await adminPost('/v1/admin/workloads', wish)).status).toBe(201);
});

interface Job {
  readonly claims?: Record<string, unknown>;
  readonly issuer?: string;
  readonly audience?: string;
  readonly ageS?: number;
  readonly jti?: string;
  readonly key?: Key;
}
async function jwt({
  claims,
  issuer,
  audience,
  ageS = 0,
  jti,
  key = ci,
}: Job = {}): Promise<string> {
  const now = Math.floor(at.clock.now() / 1000) - ageS;
  return await new SignJWT({
    sub: 'job',
    repository_id: '4711',
    repository_owner_id: '42',
    ...claims,
  })
    .setProtectedHeader({ alg: 'ES256', kid: 'one' })
    .setIssuer(issuer ?? ISSUER)
    .setAudience(audience ?? ORIGIN)
    .setIssuedAt(now)
    .setExpirationTime(now + 300)
    .setJti(jti ?? randomUUID())
    .sign(key);
}
const exchange = async (token: string, plugin = 'acme/ocr'): Promise<Reply> =>
  await at.ask('POST', '/v1/auth/oidc/exchange', { json: { token, plugin } });
const job = (name: string, act: () => Promise<string>, plugin?: string): Attack => [
  name,
  'TOKEN_EXCHANGE_REFUSED',
  async () => await exchange(await act(), plugin),
];

playAttacks('a build job that is none', [
  job('a token that was used before', async () => {
    const token = await jwt();
    expect((await exchange(token)).status).toBe(200);
    return token;
  }),
  job('a token for another audience', async () => await jwt({ audience: 'https://npm.example' })),
  job(
    'a token for the audience of another registry',
    async () => await jwt({ audience: `${ORIGIN}.evil.example` }),
  ),
  job('a token that is over', async () => await jwt({ ageS: 3600 })),
  job('a token from the future', async () => await jwt({ ageS: -3600 })),
  job('a token of an unknown issuer', async () => await jwt({ issuer: 'https://evil.example' })),
  job('a token of an issuer with a slash more', async () => await jwt({ issuer: `${ISSUER}/` })),
  job('a token signed by another key', async () => await jwt({ key: notCi })),
  job('a token of another repository', async () => await jwt({ claims: { repository_id: '6' } })),
  job('a token of another owner', async () => await jwt({ claims: { repository_owner_id: '6' } })),
  job('a token whose id is a number', async () => await jwt({ claims: { repository_id: 4711 } })),
  job('a token for another plugin', async () => await jwt(), 'acme/pdf'),
  job('a token for a plugin of another namespace', async () => await jwt(), 'globex/ocr'),
  job('a token for a private namespace', async () => await jwt(), 'skunkworks/rocket'),
  job('a token without signature (alg none)', async () => {
    const now = Math.floor(at.clock.now() / 1000);
    return await Promise.resolve(
      new UnsecuredJWT({ sub: 'job', repository_id: '4711', repository_owner_id: '42' })
        .setIssuer(ISSUER)
        .setAudience(ORIGIN)
        .setIssuedAt(now)
        .setExpirationTime(now + 300)
        .setJti(randomUUID())
        .encode(),
    );
  }),
  job('a token signed with the public key as a password (HS256)', async () => {
    const now = Math.floor(at.clock.now() / 1000);
    return await new SignJWT({ sub: 'job', repository_id: '4711', repository_owner_id: '42' })
      .setProtectedHeader({ alg: 'HS256', kid: 'one' })
      .setIssuer(ISSUER)
      .setAudience(ORIGIN)
      .setIssuedAt(now)
      .setExpirationTime(now + 300)
      .setJti(randomUUID())
      .sign(new TextEncoder().encode('the public key, which everybody knows'));
  }),
  job('text that is no token', async () => await Promise.resolve('a.b.c')),
]);
