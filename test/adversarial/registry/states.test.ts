import { at, acme, playAttacks, acting, get } from './api-stage.ts';

playAttacks('a change of state that cannot be', [
  [
    'a revoked version that is let go again',
    'REGISTRY_STATE_CONFLICT',
    async () =>
      await at.admin('POST', '/v1/plugins/acme/revoked/1.0.0/approve', { json: { reason: 'x' } }),
  ],
  [
    'a revoked version that is only yanked',
    'REGISTRY_STATE_CONFLICT',
    async () => await acting(acme.token, 'acme/revoked', 'yank'),
  ],
  [
    'an active version that is approved',
    'REGISTRY_STATE_CONFLICT',
    async () =>
      await at.admin('POST', '/v1/plugins/acme/taken/1.0.0/approve', { json: { reason: 'x' } }),
  ],
  [
    'a yank without a reason',
    'REGISTRY_REQUEST_INVALID',
    async () => await acting(acme.token, 'acme/taken', 'yank', { reason: '' }),
  ],
  [
    'a yank with a reason of 10,000 letters',
    'REGISTRY_REQUEST_INVALID',
    async () => await acting(acme.token, 'acme/taken', 'yank', { reason: 'x'.repeat(10_000) }),
  ],
  [
    'a yank in another’s name',
    'REGISTRY_REQUEST_INVALID',
    async () => await acting(acme.token, 'acme/taken', 'yank', { reason: 'x', actor: 'admin' }),
  ],
  [
    'the bytes of what is revoked',
    'REGISTRY_VERSION_WITHDRAWN',
    async () => {
      const { digest } = (await get('/v1/plugins/acme/revoked/1.0.0')).json;
      return await get(`/v1/blobs/sha512/${String(digest).slice(7)}`);
    },
  ],
]);
