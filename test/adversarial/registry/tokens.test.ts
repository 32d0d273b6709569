import { createPrivateKey } from 'node:crypto';
import { exportJWK, generateKeyPair } from 'jose';
import { artifactOf, keyRequest, newKey, post } from '../../registry/open-registry.ts';
import { at, acme, globex, playAttacks, acting, get, adminPost, newToken } from './api-stage.ts';

playAttacks('a token that may not', [
  [
    'publishing to another namespace',
    'TOKEN_SCOPE_TOO_NARROW',
    async () => await post(at.ask, globex, artifactOf('acme/new', '1.0.0')),
  ],
  [
    'publishing to another namespace with its owner’s signature',
    'PUBLISHER_UNTRUSTED',
    async () =>
      await post(at.ask, { key: acme.key, token: globex.token }, artifactOf('acme/new', '1.0.0')),
  ],
  [
    'publishing with a token that only reads',
    'TOKEN_SCOPE_TOO_NARROW',
    async () => {
      const token = await newToken({ scope: 'read', namespace: 'acme' });
      return await post(at.ask, { key: acme.key, token }, artifactOf('acme/new', '1.0.0'));
    },
  ],
  [
    'publishing with a token that was ended',
    'TOKEN_INVALID',
    async () => {
      const made = (
        await adminPost('/v1/admin/tokens', { scope: 'publish', namespace: 'acme', note: '' })
      ).json;
      await at.admin('DELETE', `/v1/admin/tokens/${String(made.id)}`);
      const token = String(made.token);
      return await post(at.ask, { key: acme.key, token }, artifactOf('acme/new', '1.0.0'));
    },
  ],
  [
    'a token with a letter more',
    'TOKEN_INVALID',
    async () => await get('/v1/plugins', { token: `${acme.token}x` }),
  ],
  [
    'a token as a basic password',
    'TOKEN_INVALID',
    async () => {
      const authorization = `Basic ${Buffer.from(`x:${acme.token}`).toString('base64')}`;
      return await get('/v1/plugins', { headers: { authorization } });
    },
  ],
  [
    'two tokens in one header',
    'TOKEN_INVALID',
    async () => {
      const authorization = `Bearer ${globex.token}, Bearer ${acme.token}`;
      return await get('/v1/plugins', { headers: { authorization } });
    },
  ],
  [
    'an author who approves a version',
    'TOKEN_SCOPE_TOO_NARROW',
    async () => await acting(acme.token, 'acme/taken', 'approve'),
  ],
  [
    'a stranger who yanks',
    'TOKEN_SCOPE_TOO_NARROW',
    async () => await acting(globex.token, 'acme/taken', 'yank'),
  ],
  [
    'nobody who revokes',
    'TOKEN_MISSING',
    async () => await acting(undefined, 'acme/taken', 'revoke'),
  ],
  [
    'an author who makes a namespace',
    'TOKEN_SCOPE_TOO_NARROW',
    async () =>
      await at.ask('POST', '/v1/admin/namespaces', {
        token: acme.token,
        json: { name: 'other', visibility: 'public' },
      }),
  ],
  [
    'an author who makes a token',
    'TOKEN_SCOPE_TOO_NARROW',
    async () =>
      await at.ask('POST', '/v1/admin/tokens', {
        token: acme.token,
        json: { scope: 'admin', note: '' },
      }),
  ],
  [
    'an author who reads the audit',
    'TOKEN_SCOPE_TOO_NARROW',
    async () => await get('/v1/admin/audit', { token: acme.token }),
  ],
  [
    'an author who takes a backup, which holds the log’s key',
    'TOKEN_SCOPE_TOO_NARROW',
    async () => await at.ask('POST', '/v1/admin/backup', { token: acme.token, json: {} }),
  ],
  [
    'an author who trusts a build service',
    'TOKEN_SCOPE_TOO_NARROW',
    async () =>
      await at.ask('POST', '/v1/admin/issuers', {
        token: acme.token,
        json: { issuer: 'https://token.ci.example', jwksUrl: 'https://evil.example/keys' },
      }),
  ],
  [
    'a reviewer who makes a namespace',
    'TOKEN_SCOPE_TOO_NARROW',
    async () =>
      await at.ask('POST', '/v1/admin/namespaces', {
        token: await newToken({ scope: 'review' }),
        json: { name: 'other', visibility: 'public' },
      }),
  ],
  [
    'an admin’s token for one namespace',
    'REGISTRY_REQUEST_INVALID',
    async () =>
      await adminPost('/v1/admin/tokens', { scope: 'admin', namespace: 'acme', note: '' }),
  ],
  [
    'a token for a plugin of another namespace',
    'REGISTRY_REQUEST_INVALID',
    async () =>
      await adminPost('/v1/admin/tokens', {
        ...{ scope: 'publish', namespace: 'acme', plugin: 'globex/x', note: '' },
      }),
  ],
  [
    'a token for ever',
    'REGISTRY_REQUEST_INVALID',
    async () =>
      await adminPost('/v1/admin/tokens', {
        ...{ scope: 'publish', namespace: 'acme', note: '', days: 1e9 },
      }),
  ],
]);

playAttacks('a namespace or key taken over', [
  [
    'a key that a stranger adds',
    'TOKEN_SCOPE_TOO_NARROW',
    async () => {
      const key = newKey('thief');
      const json = keyRequest('acme', key, [key]);
      return await at.ask('POST', '/v1/namespaces/acme/keys', { token: globex.token, json });
    },
  ],
  [
    'a key that only the thief of a token signed',
    'PUBLISHER_KEY_UNENDORSED',
    async () => {
      const key = newKey('thief');
      const json = keyRequest('acme', key, [key]);
      return await at.ask('POST', '/v1/namespaces/acme/keys', { token: acme.token, json });
    },
  ],
  [
    'a key endorsed for another namespace',
    'PUBLISHER_KEY_UNENDORSED',
    async () => {
      const json = keyRequest('globex', newKey('thief'), [acme.key]);
      return await at.ask('POST', '/v1/namespaces/acme/keys', { token: acme.token, json });
    },
  ],
  [
    'a recovery that is not an admin’s',
    'TOKEN_SCOPE_TOO_NARROW',
    async () => {
      const key = newKey('thief');
      const json = keyRequest('acme', key, [key], { change: 'recovered' });
      return await at.ask('POST', '/v1/namespaces/acme/keys', { token: acme.token, json });
    },
  ],
  [
    'a key of P-384',
    'PUBLISHER_KEY_UNENDORSED',
    async () => {
      const { privateKey } = await generateKeyPair('ES384', { extractable: true });
      const jwk = await exportJWK(privateKey);
      const key = { hint: 'large', privateKey: createPrivateKey({ key: jwk, format: 'jwk' }) };
      const json = keyRequest('acme', key, [acme.key]);
      return await at.ask('POST', '/v1/namespaces/acme/keys', { token: acme.token, json });
    },
  ],
  [
    'a namespace that is taken',
    'REGISTRY_NAMESPACE_REFUSED',
    async () => await adminPost('/v1/admin/namespaces', { name: 'acme', visibility: 'public' }),
  ],
  [
    'a namespace one letter off',
    'REGISTRY_NAMESPACE_REFUSED',
    async () => await adminPost('/v1/admin/namespaces', { name: 'acmee', visibility: 'public' }),
  ],
  [
    'a namespace with letters that look alike',
    'REGISTRY_NAMESPACE_REFUSED',
    async () => await adminPost('/v1/admin/namespaces', { name: 'acrne', visibility: 'public' }),
  ],
  [
    'a namespace with digits for letters',
    'REGISTRY_NAMESPACE_REFUSED',
    async () => await adminPost('/v1/admin/namespaces', { name: 'g10b3x', visibility: 'public' }),
  ],
  [
    'a namespace __proto__',
    'REGISTRY_REQUEST_INVALID',
    async () =>
      await adminPost('/v1/admin/namespaces', { name: '__proto__', visibility: 'public' }),
  ],
]);
