import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { keyringFrom, verifyRelease, eventOf } from '@runtime-hub/plugin-sdk/artifact';
import type { KeyringEntry } from '@runtime-hub/plugin-sdk/contract';
import {
  makePublisher,
  openRegistry,
  ORIGIN,
  publishOne,
  type OpenRegistry,
  type Publisher,
} from './open-registry.ts';

let at: OpenRegistry;
let secret: Publisher;
let stranger: Publisher;
let digest: string;

beforeAll(async () => {
  at = await openRegistry();
  secret = await makePublisher(at, 'skunkworks', { visibility: 'private' });
  stranger = await makePublisher(at, 'globex');
  await publishOne(at, stranger, 'open');
  ({ digest } = await publishOne(at, secret, 'rocket', '1.0.0', { title: 'Rocket' }));
});
afterAll(async () => await at[Symbol.asyncDispose]());

const PATHS = (id: string, hex: string) => [
  `/v1/plugins/${id}`,
  `/v1/plugins/${id}/1.0.0`,
  `/v1/plugins/${id}/1.0.0/bundle`,
  `/v1/plugins/${id}/1.0.0/attestations`,
  `/v1/plugins/${id}/1.0.0/readme`,
  `/v1/plugins/${id}/1.0.0/icon`,
  `/v1/blobs/sha512/${hex}`,
  `/v1/namespaces/${id.split('/')[0] ?? ''}`,
];

test('to strangers what is private answers exactly like what is not there', async () => {
  const here = PATHS('skunkworks/rocket', digest.slice(7));
  const nowhere = PATHS('nobody/nothing', '0'.repeat(128));
  for (const token of [undefined, stranger.token])
    for (const [index, path] of here.entries()) {
      const [one, two] = [
        await at.ask('GET', path, { token }),
        await at.ask('GET', nowhere[index] ?? '', { token }),
      ];
      expect(one.json.code).toBe('REGISTRY_NOT_FOUND');
      expect([one.status, one.text]).toEqual([two.status, two.text]);
      const headers = (it: Headers) => [...it.keys()].toSorted();
      expect(headers(one.headers)).toEqual(headers(two.headers));
    }
});

test('strangers cannot change what is private, nor learn from the refusal that it is there', async () => {
  const json = { reason: 'x' };
  for (const act of ['approve', 'deprecate', 'yank', 'revoke', 'attestations']) {
    const path = (id: string) => `/v1/plugins/${id}/1.0.0/${act}`;
    const [one, two] = [
      await at.ask('POST', path('skunkworks/rocket'), { token: stranger.token, json }),
      await at.ask('POST', path('nobody/nothing'), { token: stranger.token, json }),
    ];
    expect(one.json.code).toBe('REGISTRY_NOT_FOUND');
    expect(one.text).toBe(two.text);
  }
});

test('no search, no front page, no resolution and no OIDC refusal tells of it', async () => {
  for (const query of ['q=rocket', 'q=skunkworks', 'namespace=skunkworks', ''])
    expect(
      (await at.ask('GET', `/v1/plugins?${query}`, { token: stranger.token })).text,
    ).not.toContain('rocket');
  expect((await at.ask('GET', '/?q=rocket')).text).not.toContain('skunkworks');
  const plugins = [{ id: 'skunkworks/rocket', range: '*' }];
  expect((await at.ask('POST', '/v1/resolve', { json: { plugins } })).json.plugins).toEqual([
    { id: 'skunkworks/rocket', version: null, digest: null },
  ]);
});

test('the log names it by a salted hash, which only its readers can tell', async () => {
  const { entries } = (await at.ask('GET', '/v1/changes')).json;
  const leaves = entries.map((it: { leaf: string }) => Buffer.from(it.leaf, 'base64').toString());
  expect(leaves.join('\n')).not.toMatch(/rocket|"skunkworks"/iu);
  const { salt } = (await at.ask('GET', '/v1/namespaces/skunkworks', { token: secret.token })).json;
  const name = `sha256:${createHash('sha256').update(`${salt}\nskunkworks/rocket`).digest('hex')}`;
  expect(leaves.filter((it: string) => it.includes(name))).toHaveLength(2);
  const unsalted = createHash('sha256').update('skunkworks/rocket').digest('hex');
  expect(leaves.join('\n')).not.toContain(unsalted);
  expect((await at.ask('GET', '/v1/log/tile/entries/000.p/6')).text).not.toContain('rocket');
});

test('anybody can check the keys of the log, and a reader verifies the private release by them', async () => {
  const { entries } = (await at.ask('GET', '/v1/changes')).json;
  const events = entries.flatMap((it: { index: number; leaf: string }) => {
    const event = eventOf(Buffer.from(it.leaf, 'base64'));
    return event === null ? [] : [{ index: it.index, event }];
  });
  const { loggedAs, keys } = (
    await at.ask('GET', '/v1/namespaces/skunkworks', { token: secret.token })
  ).json;
  const own = keyringFrom(events, ORIGIN).filter((it) => it.namespace === loggedAs);
  expect(own.map((it) => it.spki)).toEqual(keys.map((it: KeyringEntry) => it.spki));
  const { logKey } = (await at.ask('GET', '/v1/')).json;
  const headers = { authorization: `Bearer ${secret.token}` };
  const artifact = await (
    await fetch(`${at.url}/v1/blobs/sha512/${digest.slice(7)}`, { headers })
  ).bytes();
  const bundle = await at.ask('GET', '/v1/plugins/skunkworks/rocket/1.0.0/bundle', {
    token: secret.token,
  });
  const trusted = new Map(own.map((it) => [it.hint, it]));
  const release = verifyRelease(artifact, bundle.text, {
    originsFor: () => [{ origin: ORIGIN, logKey, keys: trusted }],
  });
  expect(release.manifest.id).toBe('skunkworks/rocket');
});

test('its readers find and fetch it; what they get may not be kept for others', async () => {
  const { token } = (
    await at.admin('POST', '/v1/admin/tokens', {
      json: { scope: 'read', namespace: 'skunkworks', note: '' },
    })
  ).json;
  const found = await at.ask('GET', '/v1/plugins?q=rocket', { token });
  expect(found.json.items).toMatchObject([{ id: 'skunkworks/rocket' }]);
  expect(found.headers.get('vary')).toContain('authorization');
  const blob = await at.ask('GET', `/v1/blobs/sha512/${digest.slice(7)}`, { token });
  expect(blob.headers.get('cache-control')).toContain('private');
  const open = await at.ask('GET', '/v1/plugins/globex/open/1.0.0/bundle');
  expect(open.headers.get('cache-control')).toContain('public');
});

test('the log does not tell the reason given for what is private; its readers get it with the version', async () => {
  const path = '/v1/plugins/skunkworks/rocket/1.0.0';
  await at.ask('POST', `${path}/yank`, {
    token: secret.token,
    json: { reason: 'the engine of the rocket leaks' },
  });
  expect((await at.ask('GET', '/v1/changes')).json.size).toBe(7);
  const { entries } = (await at.ask('GET', '/v1/changes')).json;
  const leaves = entries
    .map((it: { leaf: string }) => Buffer.from(it.leaf, 'base64').toString())
    .join('\n');
  expect(leaves).not.toContain('leaks');
  expect((await at.ask('GET', path, { token: secret.token })).json.reason).toBe(
    'the engine of the rocket leaks',
  );
});
