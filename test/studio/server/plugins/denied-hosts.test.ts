import type { Service } from '@runtime-hub/kernel';
import { type TrustPolicy } from '@runtime-hub/plugin-sdk/artifact';
import { pluginId, type Json, type Need } from '@runtime-hub/plugin-sdk/contract';
import { expect, test } from 'vitest';
import { withoutDeniedHosts } from '../../../../studio/server/plugins/denied-hosts.ts';
import { openTrust } from '../../../../studio/server/store/keys.ts';
import { temporaryFolder } from '../../../support/hub.ts';
import { caller } from '../services/http/world.ts';
import { refusal } from './machine.ts';

/** A service that goes where it is sent, then where a redirect leads. */
const traveller = (reached: string[], redirect?: Need): Service => ({
  capability: 'net.http',
  async call(_operation, args, { permit }) {
    // SAFETY: the test sends nothing else.
    reached.push((args as { url: string }).url);
    if (redirect !== undefined) permit(redirect);
    return await Promise.resolve(null);
  },
});

test('a host that nobody may reach is refused whatever was granted, on any port, encrypted or not, also behind a redirect', async () => {
  using folder = temporaryFolder('hosts');
  const policy: TrustPolicy = {
    ...openTrust(folder.path),
    permissions: { denyHosts: ['*.corp', 'secret.example'] },
  };
  const reached: string[] = [];
  const go = async (url: string, redirect?: string): Promise<string> => {
    const need = redirect === undefined ? undefined : { capability: 'net.http', target: redirect };
    // SAFETY: a need of net.http, or none.
    const service = withoutDeniedHosts(traveller(reached, need as Need | undefined), () => policy);
    const who = { ...caller, plugin: pluginId('acme/web') };
    const use = { caller: who, signal: new AbortController().signal, permit: () => undefined };
    const args: Json = { method: 'GET', url };
    return await refusal(async () => await service.call('request', args, use));
  };
  for (const url of [
    'https://mail.corp/',
    'https://mail.corp:8443/',
    'http://mail.corp/',
    'https://MAIL.corp./',
    'https://secret.example/x',
  ])
    expect([url, await go(url)]).toEqual([url, 'POLICY_HOST_DENIED']);
  expect(reached).toEqual([]);
  expect(await go('https://api.example.com/')).toBe('nothing');
  expect(await go('https://notcorp/')).toBe('nothing');
  expect(await go('https://api.example.com/', 'http://a.b.corp:81')).toBe('POLICY_HOST_DENIED');
});
