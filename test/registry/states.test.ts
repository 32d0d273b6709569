import { expect, test } from 'vitest';
import { isIncluded, leafHash, openCheckpoint } from '@runtime-hub/plugin-sdk/artifact';
import { createPublicKey } from 'node:crypto';
import {
  artifactOf,
  makePublisher,
  openRegistry,
  ORIGIN,
  post,
  publishOne,
  type OpenRegistry,
} from './open-registry.ts';

const act = async (at: OpenRegistry, token: string | undefined, what: string, version = '1.0.0') =>
  await at.ask('POST', `/v1/plugins/acme/ocr/${version}/${what}`, {
    token,
    json: { reason: 'because' },
  });
const stateOf = async (at: OpenRegistry, version = '1.0.0') =>
  (await at.ask('GET', `/v1/plugins/acme/ocr/${version}`)).json;
const adminToken = (at: OpenRegistry) => at.registry.adminToken ?? '';

test('a version goes from active over deprecated and yanked to revoked, and stays there', async () => {
  await using at = await openRegistry();
  const acme = await makePublisher(at, 'acme');
  await publishOne(at, acme, 'ocr');
  for (const [what, state] of [
    ['deprecate', 'deprecated'],
    ['yank', 'yanked'],
    ['revoke', 'revoked'],
  ] as const) {
    expect((await act(at, acme.token, what)).json).toMatchObject({ state });
    expect(await stateOf(at)).toMatchObject({ state, reason: 'because' });
  }
  expect((await act(at, adminToken(at), 'approve')).json.code).toBe('REGISTRY_STATE_CONFLICT');
  const { entries } = (await at.ask('GET', '/v1/changes?since=3')).json;
  const leaves = entries.map(
    (it: { leaf: string }) => JSON.parse(Buffer.from(it.leaf, 'base64').toString()).spec,
  );
  expect(leaves.map((it: { to: string }) => it.to)).toEqual(['deprecated', 'yanked', 'revoked']);
  expect(leaves.every((it: { actor: string }) => it.actor.startsWith('publish/'))).toBe(true);
});

test('what is yanked or revoked is in no search, and its number is never used again', async () => {
  await using at = await openRegistry();
  const acme = await makePublisher(at, 'acme');
  await publishOne(at, acme, 'ocr');
  await act(at, acme.token, 'yank');
  expect((await at.ask('GET', '/v1/plugins?q=ocr')).json.items).toEqual([]);
  const again = await post(at.ask, acme, artifactOf('acme/ocr', '1.0.0', { title: 'Again' }));
  expect(again.json.code).toBe('REGISTRY_VERSION_EXISTS');
  await act(at, acme.token, 'revoke');
  const { digest } = await stateOf(at);
  expect((await at.ask('GET', `/v1/blobs/sha512/${digest.slice(7)}`)).json.code).toBe(
    'REGISTRY_VERSION_WITHDRAWN',
  );
});

test('only an admin or a reviewer lets a version go; its author and strangers may not', async () => {
  await using at = await openRegistry();
  const acme = await makePublisher(at, 'acme', { review: true });
  const held = await publishOne(at, acme, 'ocr');
  expect(held.state).toBe('quarantined');
  expect((await act(at, acme.token, 'approve')).json.code).toBe('TOKEN_SCOPE_TOO_NARROW');
  expect((await act(at, undefined, 'approve')).json.code).toBe('TOKEN_MISSING');
  const hex = held.digest.slice(7);
  expect((await at.ask('GET', `/v1/blobs/sha512/${hex}`)).json.code).toBe('REGISTRY_NOT_FOUND');
  const { token } = (
    await at.admin('POST', '/v1/admin/tokens', { json: { scope: 'review', note: '' } })
  ).json;
  const { waiting } = (await at.ask('GET', '/v1/admin/review', { token })).json;
  expect(waiting).toMatchObject([{ id: 'acme/ocr', state: 'quarantined' }]);
  expect((await at.ask('GET', `/v1/blobs/sha512/${hex}`, { token })).status).toBe(200);
  expect((await act(at, token, 'approve')).json.state).toBe('active');
  expect((await at.ask('GET', `/v1/blobs/sha512/${hex}`)).status).toBe(200);
});

test('a stranger’s token changes nothing of another namespace', async () => {
  await using at = await openRegistry();
  const acme = await makePublisher(at, 'acme');
  const globex = await makePublisher(at, 'globex');
  await publishOne(at, acme, 'ocr');
  for (const what of ['deprecate', 'yank', 'revoke'])
    expect((await act(at, globex.token, what)).json.code).toBe('TOKEN_SCOPE_TOO_NARROW');
  expect((await stateOf(at)).state).toBe('active');
});

test('with a minimum age a version waits, and is then let go by the clock', async () => {
  await using at = await openRegistry();
  const acme = await makePublisher(at, 'acme');
  const settings = { title: 'Ours', readOnly: false, minAgeHours: 72, review: false };
  await at.admin('PUT', '/v1/admin/settings', { json: settings });
  expect((await publishOne(at, acme, 'ocr')).state).toBe('quarantined');
  at.clock.advance(71 * 3_600_000);
  at.registry.tick();
  expect((await stateOf(at)).state).toBe('quarantined');
  at.clock.advance(3_600_000);
  at.registry.tick();
  expect((await stateOf(at)).state).toBe('active');
});

test('a finding that a person must look at holds the version', async () => {
  await using at = await openRegistry();
  const acme = await makePublisher(at, 'acme');
  const code = 'export default {}; export const run = (text) => eval(text);\n';
  const reply = await post(
    at.ask,
    acme,
    artifactOf('acme/ocr', '1.0.0', {}, { 'plugin.js': code }),
  );
  expect(reply.status).toBe(202);
  expect(reply.json.state).toBe('quarantined');
  expect(reply.json.findings.some((it: { severity: string }) => it.severity === 'review')).toBe(
    true,
  );
});

test('while the registry is read-only nothing is published or changed', async () => {
  await using at = await openRegistry();
  const acme = await makePublisher(at, 'acme');
  await publishOne(at, acme, 'ocr');
  const settings = { title: 'Ours', readOnly: true, minAgeHours: 0, review: false };
  await at.admin('PUT', '/v1/admin/settings', { json: settings });
  expect((await post(at.ask, acme, artifactOf('acme/ocr', '1.1.0'))).json.code).toBe(
    'REGISTRY_READ_ONLY',
  );
  expect((await act(at, acme.token, 'yank')).json.code).toBe('REGISTRY_READ_ONLY');
});

test('revocations come with a proof in the tree of their checkpoint', async () => {
  await using at = await openRegistry();
  const acme = await makePublisher(at, 'acme');
  await publishOne(at, acme, 'ocr');
  await publishOne(at, acme, 'ocr', '1.1.0');
  await act(at, acme.token, 'revoke');
  await publishOne(at, acme, 'ocr', '1.2.0');
  const { checkpoint, leaves } = (await at.ask('GET', '/v1/revocations')).json;
  const { logKey } = (await at.ask('GET', '/v1/')).json;
  const publicKey = createPublicKey({
    key: Buffer.from(logKey, 'base64'),
    type: 'spki',
    format: 'der',
  });
  const { size, root } = openCheckpoint(checkpoint, { origin: ORIGIN, publicKey });
  expect(leaves).toHaveLength(1);
  const [{ index, leaf, proof }] = leaves;
  const bytes = Buffer.from(leaf, 'base64');
  expect(JSON.parse(bytes.toString()).spec).toMatchObject({ to: 'revoked', version: '1.0.0' });
  const hashes = proof.map((it: string) => Buffer.from(it, 'base64'));
  expect(isIncluded({ index, size, leaf: leafHash(bytes), proof: hashes, root })).toBe(true);
  expect((await at.ask('GET', `/v1/revocations?since=${String(index + 1)}`)).json.leaves).toEqual(
    [],
  );
});

test('the newest stable version is what a search gives and a range resolves to', async () => {
  await using at = await openRegistry();
  const acme = await makePublisher(at, 'acme');
  for (const version of ['1.2.0', '1.9.0', '1.10.0', '2.0.0-beta.1'])
    await publishOne(at, acme, 'ocr', version);
  expect((await at.ask('GET', '/v1/plugins?q=ocr')).json.items[0].version).toBe('1.10.0');
  const record = (await at.ask('GET', '/v1/plugins/acme/ocr')).json;
  expect(record.latest).toBe('1.10.0');
  expect(record.versions.map((it: { version: string }) => it.version)).toEqual([
    '2.0.0-beta.1',
    '1.10.0',
    '1.9.0',
    '1.2.0',
  ]);
  const plugins = [
    { id: 'acme/ocr', range: '~1.9.0' },
    { id: 'acme/ocr', range: '^3.0.0' },
    { id: 'acme/none', range: '*' },
  ];
  const resolved = (await at.ask('POST', '/v1/resolve', { json: { plugins } })).json.plugins;
  expect(resolved.map((it: { version: string | null }) => it.version)).toEqual([
    '1.9.0',
    null,
    null,
  ]);
});
